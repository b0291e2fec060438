// The built image as any engine runs it: no shell, nothing to write to, another user; it answers, and its health check tells.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { BuiltImage } from "../../../src/image/built.ts";
import { packImage } from "../../../src/tools/docker/load-archive.ts";
import { imageFor } from "./layers.ts";
import { eventually, openCancer, userRows, type Project } from "../project.ts";

const run = promisify(execFile);
const registry = process.env["MLSHIP_TEST_REGISTRY"];
const name = `mlship-container-test-${process.pid}`;
const image = `mlship.invalid/${name}:1.0.0`;
let project: Project;

beforeEach(async () => {
  project = await openCancer();
  await project.write("1.0.0", { image: { base: `${registry}/library/python:3.11-slim` } });
});

afterEach(async () => {
  await run("docker", ["rm", "--force", "--volumes", name]);
  await run("docker", ["image", "rm", "--force", image]);
  await project.close();
});

async function load(layout: string): Promise<void> {
  const docker = spawn("docker", ["load", "--quiet"], { stdio: ["pipe", "ignore", "inherit"] });
  const ended = once(docker, "close");
  await pipeline(packImage(layout, await imageFor(layout, "linux/amd64"), image), docker.stdin);
  expect(await ended).toEqual([0, null]);
}

/** Puts files that nothing can run in the place of the image's shells. */
async function takeShells(): Promise<void> {
  const context = await project.mkdir("shells");
  await writeFile(project.file("shells", "nothing"), "");
  const copies = ["dash", "bash"].map((shell) => `COPY --chmod=0444 nothing /usr/bin/${shell}\n`);
  await writeFile(project.file("shells", "Dockerfile"), `FROM ${image}\n${copies.join("")}`);
  const env = { ...process.env, BUILDX_BUILDER: "default" };
  await run("docker", ["build", "--quiet", "--tag", image, context], { env });
}

/** Runs the image's own health check beside the container, as an engine runs it inside. @returns its exit code */
async function health(check: string[]): Promise<number> {
  const [program = "", ...args] = check;
  const words = ["run", "--rm", "--network", `container:${name}`, "--entrypoint", program, image, ...args];
  const ended = await run("docker", words).catch((error: { code: number }) => error);
  return "code" in ended ? ended.code : 0;
}

test(
  "answers without a shell, read-only, and its health check tells when it ends",
  { timeout: 400_000 },
  async () => {
    const built = await project.json<BuiltImage>(["build"]);
    await load(project.file(".mlship/images", built.plan.slice("sha256:".length, 23), "layout"));
    const { stdout } = await run("docker", ["image", "inspect", image, "--format", "{{json .Config}}"]);
    const { Healthcheck: check } = JSON.parse(stdout) as { Healthcheck: { Test: string[] } };
    expect(check.Test[0]).toBe("CMD");

    await takeShells();
    const hard = ["--read-only", "--user=65532:65532", "--cap-drop=ALL", "--security-opt=no-new-privileges"];
    await run("docker", ["run", "--detach", "--name", name, "--publish=127.0.0.1::8080", ...hard, image]);
    const { stdout: published } = await run("docker", ["port", name, "8080"]);
    const url = `http://${published.trim()}`;
    const ready = () =>
      fetch(`${url}/health/ready`)
        .then(({ ok }) => ok)
        .catch(() => false);
    await eventually("the container is ready", ready, 60, 200);

    const [row = ""] = await userRows();
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${url}/predict`, { method: "POST", headers, body: `{"rows":[${row}]}` });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ predictions: [expect.any(Number)] });

    expect(await health(["/bin/sh", "-c", "true"])).not.toBe(0);
    expect(await health(check.Test.slice(1))).toBe(0);
    const { stdout: pid } = await run("docker", ["inspect", name, "--format", "{{.State.Pid}}"]);
    const first = path.join("/proc", pid.trim());
    expect(await readFile(path.join(first, "status"), "utf8")).toMatch(/^Uid:\t65532\t65532\t65532\t65532$/m);
    expect(await readFile(path.join(first, "cmdline"), "utf8")).toMatch(
      /^python3\0-m\0mlship_server\0serve\0/,
    );
    // Paused, it holds its network and answers nobody.
    await run("docker", ["pause", name]);
    expect(await health(check.Test.slice(1))).toBe(1);
    await run("docker", ["unpause", name]);
    await run("docker", ["stop", "--time", "30", name]);
    const { stdout: ended } = await run("docker", ["inspect", name, "--format", "{{.State.ExitCode}}"]);
    expect(ended.trim()).toBe("0");
  },
);
