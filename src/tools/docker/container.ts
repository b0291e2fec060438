// A container that is tested: locked down as a pod under the strictest policy, asked over one port.
import type Docker from "dockerode";
import type { Container, Limits, Owner } from "../../image/ports.ts";
import { lastLines } from "../process.ts";
import { asked, isLost, refused, statusOf, type Connection } from "./client.ts";
import { packContext } from "./context-archive.ts";

/** Labels by which leftovers are found. */
export const labels = { project: "dev.mlship.project", build: "dev.mlship.build" } as const;

/** Labels of everything that a build makes on an engine. */
export function labelsOf({ project, build }: Owner): Record<string, string> {
  return { [labels.project]: project, [labels.build]: build };
}

/** Starts a container in a network of its own. Nothing of it stays when it cannot be started. */
export async function startContainer(
  connection: Connection,
  image: string,
  limits: Limits,
  owner: Owner,
): Promise<Container> {
  const { docker, endpoint } = connection;
  const name = `mlship-self-test-${owner.build}`;
  const network = await asked(
    connection,
    "make a network for the self-test",
    docker.createNetwork({
      Name: name,
      Driver: "bridge",
      Labels: labelsOf(owner),
      // Packets that leave keep an address to which nothing answers: there is no way out.
      Options: { "com.docker.network.bridge.enable_ip_masquerade": "false" },
    }),
  );
  const { files } = limits;
  const remote = endpoint.host !== null && !/^(localhost|127\.|\[?::1)/.test(endpoint.host);
  const port = `${limits.port}/tcp`;
  let container: Docker.Container | null = null;
  try {
    if (files !== null) await fillVolume(connection, image, { ...files, volume: name }, owner);
    container = await asked(
      connection,
      "make the container of the self-test",
      docker.createContainer({
        name,
        Image: image,
        Labels: labelsOf(owner),
        ExposedPorts: { [port]: {} },
        // Its own would only run beside ours.
        Healthcheck: { Test: ["NONE"] },
        HostConfig: {
          NetworkMode: name,
          // An engine on another machine can only be asked over its own address.
          PortBindings: { [port]: [{ HostIp: remote ? "" : "127.0.0.1", HostPort: "" }] },
          // TEST-NET-1 (RFC 5737): names are not looked up through the engine either.
          Dns: ["192.0.2.1"],
          Mounts: files === null ? [] : [{ Type: "volume", Source: name, Target: files.to, ReadOnly: true }],
          ReadonlyRootfs: true,
          CapDrop: ["ALL"],
          SecurityOpt: ["no-new-privileges"],
          Memory: limits.memory,
          MemorySwap: limits.memory,
          PidsLimit: limits.pids,
          Tmpfs: { "/tmp": "rw,noexec,nosuid,nodev,size=67108864,mode=1777" },
          LogConfig: { Type: "json-file", Config: { "max-size": "10m", "max-file": "1" } },
          RestartPolicy: { Name: "no" },
        },
      }),
    );
    await asked(connection, "start the container of the self-test", container.start());
    const { NetworkSettings } = await asked(connection, "inspect the container", container.inspect());
    const bound = NetworkSettings.Ports[port]?.[0]?.HostPort;
    // Where it has ended already there is no port any more; its state says why.
    const url = `http://${remote ? endpoint.host : "127.0.0.1"}:${bound ?? 0}`;
    return new RunningContainer(connection, name, container, network, url);
  } catch (error) {
    await discard(connection, name, container, network);
    throw error;
  }
}

class RunningContainer implements Container {
  readonly url: string;
  readonly #connection: Connection;
  /** Of the network and of the volume, if there is one. */
  readonly #name: string;
  readonly #container: Docker.Container;
  readonly #network: Docker.Network;

  constructor(
    connection: Connection,
    name: string,
    container: Docker.Container,
    network: Docker.Network,
    url: string,
  ) {
    this.#connection = connection;
    this.#name = name;
    this.#container = container;
    this.#network = network;
    this.url = url;
  }

  async state(): Promise<{ running: boolean; exitCode: number | null; outOfMemory: boolean }> {
    const { State } = await asked(this.#connection, "inspect the container", this.#container.inspect());
    const { Running: running, ExitCode, OOMKilled: outOfMemory } = State;
    return { running, exitCode: running ? null : ExitCode, outOfMemory };
  }

  async logs(lines: number): Promise<string> {
    const options = { stdout: true, stderr: true, tail: lines };
    const bytes = await asked(this.#connection, "give the container's output", this.#container.logs(options));
    return lastLines(demultiplex(bytes), lines);
  }

  async memory(): Promise<number> {
    const answer = this.#container.stats({ stream: false, "one-shot": true });
    const { memory_stats: memory } = await asked(this.#connection, "measure the container", answer);
    const stats: Record<string, number | undefined> = { ...memory.stats };
    // Version 1 of cgroups counts page cache as `total_cache`, version 2 as `file`.
    return Math.max(0, memory.usage - (stats["total_cache"] ?? stats["file"] ?? 0));
  }

  async stop(graceMs: number): Promise<number | null> {
    const t = Math.ceil(graceMs / 1000);
    await asked(this.#connection, "stop the container", this.#container.stop({ t }).catch(ignoreStopped));
    const { exitCode } = await this.state();
    // 137 is SIGKILL: the time was over.
    return exitCode === 137 ? null : exitCode;
  }

  async remove(): Promise<void> {
    await discard(this.#connection, this.#name, this.#container, this.#network);
  }
}

/**
 * Copies files into a volume. They travel to the engine: it may be on another machine, or see other
 * folders than this process does, or run as somebody who may not read them.
 */
async function fillVolume(
  connection: Connection,
  image: string,
  { from, to, volume }: { from: string; to: string; volume: string },
  owner: Owner,
): Promise<void> {
  const { docker, endpoint, signal } = connection;
  const doing = "make a volume for the model";
  await asked(connection, doing, docker.createVolume({ Name: volume, Labels: labelsOf(owner) }));
  // Never started: the engine takes files only by way of a container that may write to the volume.
  const carrier = await asked(
    connection,
    doing,
    docker.createContainer({
      Image: image,
      Labels: labelsOf(owner),
      HostConfig: { Mounts: [{ Type: "volume", Source: volume, Target: to }] },
    }),
  );
  const archive = packContext(from);
  try {
    await carrier.putArchive(archive, { path: to, abortSignal: signal });
  } catch (cause) {
    signal.throwIfAborted();
    throw refused("take the model's files in", cause, endpoint);
  } finally {
    archive.destroy();
    await carrier.remove({ force: true }).catch(ignoreGone);
  }
}

/** Removes all that `startContainer` made, also after Ctrl-C: then nothing else may cut this short. */
async function discard(
  { docker }: Connection,
  name: string,
  container: Docker.Container | null,
  network: Docker.Network,
): Promise<void> {
  await container?.remove({ force: true, v: true }).catch(ignoreGone);
  await docker.getVolume(name).remove().catch(ignoreGone);
  await network.remove().catch(ignoreGone);
}

/** What is gone needs no removing, and of an engine that is gone the next build removes it. */
export function ignoreGone(error: unknown): void {
  if (statusOf(error) !== 404 && statusOf(error) !== 409 && !isLost(error)) throw error;
}

function ignoreStopped(error: unknown): void {
  if (statusOf(error) !== 304) throw error;
}

/** The text in a stream of frames: kind, three zeros, length in four bytes, then as many bytes. */
function demultiplex(bytes: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= bytes.length;) {
    const length = bytes.readUInt32BE(at + 4);
    parts.push(bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(parts).toString("utf8");
}
