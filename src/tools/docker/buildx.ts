// The builder `docker buildx`: carries a plan out by BuildKit, and gets the image as an OCI layout.
import { rm } from "node:fs/promises";
import path from "node:path";
import type { Builder, BuildRequest } from "../../image/ports.ts";
import { platforms } from "../../config/image-keys.ts";
import { buildArguments } from "../../image/plan/plan.ts";
import { attempt, type Variables } from "../process.ts";
import { buildFault } from "./build-faults.ts";
import { packContext } from "./context-archive.ts";
import { RawJsonReader } from "./rawjson.ts";
import { StatusReader } from "./status.ts";

/** How `docker buildx` is called. */
export interface BuildxOptions {
  env: Variables;
  signal: AbortSignal;
}

/** What `docker buildx` would build with. */
export interface BuildxBuilder {
  name: string;
  /** `docker-container`, `remote`, `kubernetes`, or `docker`: the Engine itself. */
  driver: string;
  buildkit: string | null;
}

/** The first buildx that can tell its progress as JSON. */
const leastVersion = [0, 13] as const;

/** The builder that is chosen; null where there is no buildx that will do, or its builder does not answer. */
export async function findBuildx({ env, signal }: BuildxOptions): Promise<BuildxBuilder | null> {
  const version = await ask(["buildx", "version"], { env, signal });
  const [, major, minor] = /\bv?(\d+)\.(\d+)\./.exec(version ?? "") ?? [];
  if (major === undefined || minor === undefined) return null;
  if (Number(major) === leastVersion[0] && Number(minor) < leastVersion[1]) return null;
  const told = await ask(["buildx", "inspect"], { env, signal });
  if (told === null || /^(Error|Err):/m.test(told)) return null;
  const value = (key: string) => new RegExp(`^${key}:[ \\t]*(\\S.*)$`, "m").exec(told)?.[1]?.trim() ?? null;
  const buildkit = value("BuildKit version") ?? value("Buildkit");
  return { name: value("Name") ?? "default", driver: value("Driver") ?? "docker", buildkit };
}

/** Null when docker is not there or the command fails. */
async function ask(args: string[], options: BuildxOptions): Promise<string | null> {
  try {
    const { exitCode, stdout } = await attempt("docker", args, options);
    return exitCode === 0 ? stdout : null;
  } catch (error) {
    options.signal.throwIfAborted();
    if (error instanceof Error && "code" in error && error.code === "tool.missing") return null;
    throw error;
  }
}

/** A builder whose BuildKit writes OCI layouts itself. */
export function createBuildxBuilder(found: BuildxBuilder, options: BuildxOptions): Builder {
  const name = nameOf(found);
  return {
    name,
    // Only copying is done for another platform, so every BuildKit can.
    platforms,
    async build(request) {
      const { layoutFolder, plan, hasTimes } = request;
      // Comma-separated values, of which one may hold a comma.
      const output = [
        "type=oci",
        "tar=false",
        `dest=${layoutFolder}`,
        `rewrite-timestamp=${hasTimes}`,
        "oci-mediatypes=true",
        "compression=gzip",
      ].map((field) => (/[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field));
      try {
        await runBuildx(
          name,
          request,
          ["--platform", plan.platforms.join(), "--output", output.join()],
          options,
        );
        await rm(path.join(layoutFolder, "ingest"), { recursive: true, force: true });
      } catch (error) {
        await rm(layoutFolder, { recursive: true, force: true });
        throw error;
      }
    },
  };
}

/** `buildx testbed, BuildKit v0.31.2` */
export function nameOf({ name, buildkit }: BuildxBuilder): string {
  // A BuildKit that was built without one says so where its version stands.
  const isKnown = buildkit !== null && !buildkit.includes("unknown");
  return `buildx ${name}${isKnown ? `, BuildKit ${buildkit}` : ""}`;
}

/**
 * Runs one build to its end.
 * @param more flags that say for what platform, and where the image goes
 * @throws MlshipError `build.*`; the signal's reason when it was aborted, after BuildKit was told.
 */
export async function runBuildx(
  builder: string,
  { plan, contextFolder, secrets, noCache, onEvent }: BuildRequest,
  more: readonly string[],
  { env, signal }: BuildxOptions,
): Promise<void> {
  signal.throwIfAborted();
  const { execa } = await import("execa");
  const status = new StatusReader(onEvent);
  const reader = new RawJsonReader((message) => status.take(message));
  const args = [
    "buildx",
    "build",
    "--progress=rawjson",
    "--provenance=false",
    "--sbom=false",
    ...Object.entries(buildArguments(plan)).map(([name, value]) => `--build-arg=${name}=${value}`),
    ...secrets.map(({ id, variable }) => `--secret=id=${id},env=${variable}`),
    ...(noCache ? ["--no-cache"] : []),
    ...more,
    "--file=Dockerfile",
    // As a stream: of a folder BuildKit takes a file for unchanged whose size and time are, and here all
    // times are equal, so a model would be built into the image that another one of its size was built into.
    "-",
  ];
  const context = packContext(contextFolder);
  const running = execa("docker", args, {
    env: { ...env, SOURCE_DATE_EPOCH: String(plan.sourceDateEpoch) },
    extendEnv: false,
    input: context,
    stdout: "ignore",
    buffer: false,
    reject: false,
    cancelSignal: signal,
    // Asked to end, it cancels the build; a builder that does not answer cannot keep it.
    killSignal: "SIGTERM",
    forceKillAfterDelay: 5_000,
  });
  running.stderr.setEncoding("utf8");
  running.stderr.on("data", (text: string) => reader.push(text));
  const { exitCode } = await running;
  context.destroy();
  signal.throwIfAborted();
  const words = reader.end();
  if (exitCode !== 0) throw buildFault({ builder, failure: status.failure, words });
}
