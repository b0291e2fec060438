// A context as it is written, built by the real BuildKit from hostile but legal values, and read back.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { assignment } from "../../../src/image/plan/emit.ts";
import { openCancer, type Project } from "../project.ts";

const run = promisify(execFile);
const registry = process.env["MLSHIP_TEST_REGISTRY"];
const base = `${registry}/library/python:3.11-slim`;
const folder = await mkdtemp(path.join(tmpdir(), "mlship-dockerfile-"));
let project: Project | undefined;
afterAll(async () => {
  await project?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Builds a context into an OCI layout. @returns the manifest's digest */
async function build(context: string, name: string): Promise<string> {
  const layout = path.join(folder, name);
  const output = `type=oci,tar=false,dest=${layout},rewrite-timestamp=true`;
  const options = ["--provenance=false", "--sbom=false", "--build-arg", "SOURCE_DATE_EPOCH=0"];
  await run("docker", ["buildx", "build", ...options, "--output", output, context], { maxBuffer: 1 << 26 });
  const index = JSON.parse(await readFile(path.join(layout, "index.json"), "utf8")) as {
    manifests: [{ digest: string }];
  };
  return index.manifests[0].digest;
}

async function blob<T>(name: string, digest: string): Promise<T> {
  return JSON.parse(await readFile(path.join(folder, name, "blobs", "sha256", digest.slice(7)), "utf8")) as T;
}

interface Manifest {
  config: { digest: string };
  layers: { size: number }[];
}

interface ImageConfiguration {
  config: { Labels: Record<string, string>; User: string };
}

test(
  "a generated context passes hadolint, Checkov and BuildKit's checks, and carries what it was given",
  { timeout: 900_000 },
  async () => {
    project = await openCancer();
    await project.write("1.0.0", { image: { base } });
    await project.mlship(["generate"]);
    const context = project.file("deploy", "image");
    const dockerfile = path.join(context, "Dockerfile");
    await run("hadolint", ["--failure-threshold", "style", dockerfile]);
    const judged = await checkov(context);
    expect(judged.failed).toEqual([]);
    expect(judged.passed).toBeGreaterThan(30);
    // What a hostile value looks like when the emitter has let it through.
    const text = await readFile(dockerfile, "utf8");
    const hostile = "a \"b\" \\ ${HOME} $(id) `id` 'c' é 🐟 \\";
    await writeFile(dockerfile, `${text}LABEL ${assignment("dev.mlship.test", hostile)}\n`);
    const manifest = await blob<Manifest>("built", await build(context, "built"));
    expect(manifest.layers).toHaveLength((await baseLayers()) + 4);
    const size = manifest.layers.slice(-4).reduce((sum, layer) => sum + layer.size, 0);
    expect(size).toBeLessThanOrEqual(60_000_000);
    const { config } = await blob<ImageConfiguration>("built", manifest.config.digest);
    expect(config.Labels["dev.mlship.test"]).toBe(hostile);
    expect(config.User).toBe("65532:65532");
  },
);

test("each judge finds what is wrong", { timeout: 300_000 }, async () => {
  const context = path.join(folder, "wrong");
  await mkdir(context);
  const dockerfile = path.join(context, "Dockerfile");
  await writeFile(dockerfile, `FROM ${base}\nRUN sudo apt-get update\nUSER root\n`);
  await expect(run("hadolint", [dockerfile])).rejects.toMatchObject({
    stdout: expect.stringContaining("DL3004"),
  });
  expect((await checkov(context)).failed).toEqual(
    expect.arrayContaining(["CKV_DOCKER_2", "CKV_DOCKER_8", "CKV2_DOCKER_1"]),
  );
  // What the first line of every Dockerfile of ours asks BuildKit for: a warning ends the build.
  const warned = `FROM ${base} AS Upper\nWORKDIR relative\n`;
  await writeFile(dockerfile, `# check=error=true\n${warned}`);
  await expect(build(context, "refused")).rejects.toMatchObject({
    stderr: expect.stringMatching(/StageNameCasing|WorkdirRelativePath/),
  });
  await writeFile(dockerfile, warned);
  await expect(build(context, "warned")).resolves.toMatch(/^sha256:/);
});

/** What Checkov says of the Dockerfile in a folder. */
async function checkov(context: string): Promise<{ failed: string[]; passed: number }> {
  const args = ["--framework", "dockerfile", "--skip-download", "--compact", "-o", "json", "-d", context];
  const { stdout } = await run("checkov", args).catch((error: { stdout: string }) => error);
  const { results, summary } = JSON.parse(stdout) as {
    results: { failed_checks: { check_id: string }[] };
    summary: { passed: number };
  };
  return { failed: results.failed_checks.map((check) => check.check_id), passed: summary.passed };
}

/** How many layers the base has, by the registry. */
async function baseLayers(): Promise<number> {
  const accept =
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
  const response = await fetch(`http://${registry}/v2/library/python/manifests/3.11-slim`, {
    headers: { accept },
  });
  const { layers } = (await response.json()) as { layers: unknown[] };
  return layers.length;
}
