// `mlship generate`: what is written, kept, removed and refused.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { digestBytes } from "../../src/digest.ts";
import { parseReference } from "../../src/image/oci/reference.ts";
import { documentOf, Machine } from "./fake-host.ts";
import { makeProject } from "./project.ts";

let machine: Machine;
const file = (...parts: string[]) => path.join(machine.folder, "deploy", ...parts);
const read = (...parts: string[]) => readFileSync(file(...parts), "utf8");

beforeEach(() => {
  machine = new Machine(makeProject());
  const config = Buffer.from(JSON.stringify({ os: "linux", architecture: "amd64", config: {} }));
  machine.registry.blobs.set("docker.io/library/python", new Map([[digestBytes(config), config]]));
  const manifest = Buffer.from(
    JSON.stringify({ config: { digest: digestBytes(config) }, layers: [{ size: 42 }] }),
  );
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  machine.registry.put(parseReference("python:3.12-slim"), "3.12-slim", mediaType, manifest);
});

describe("generate", () => {
  it("writes the context and the objects, and touches nothing the second time", async () => {
    const first = await machine.run("generate");
    expect(first).toMatchObject({ exit: 0 });
    expect(first.stdout).toContain("+ image/Dockerfile\n");
    expect(first.stdout).toMatch(/^\+ image\/layers\/server\/ \(\d\d files\)$/m);
    expect(first.stdout.split("\n").length).toBeLessThan(30);
    expect(readdirSync(file()).toSorted()).toEqual([
      ".gitignore",
      ".mlship-files.json",
      "image",
      "kubernetes",
    ]);
    expect(read("image", "Dockerfile")).toMatch(/^FROM docker.io\/library\/python:3.12-slim@sha256:/m);
    const before = statSync(file("image", "Dockerfile")).ino;
    const second = await machine.run("generate", "--json");
    expect(documentOf(second)).toMatchObject({ added: [], changed: [], removed: [] });
    expect(statSync(file("image", "Dockerfile")).ino).toBe(before);
  });

  it("checks only with the project's lock, and writes none", async () => {
    const missing = await machine.run("generate", "--check");
    expect(missing.exit).toBe(2);
    expect(missing.stderr).toContain("there is no mlship.lock");
    expect(existsSync(path.join(machine.folder, "mlship.lock"))).toBe(false);
    await machine.run("generate");
    const drifted = await machine.run("generate", "--check", "--set", "python.allowSource=docopt");
    expect(drifted.exit).toBe(2);
    expect(drifted.stderr).toContain("python.allowSource names docopt");
  });

  it("checks without writing, also where git has left the model out", async () => {
    await machine.run("generate");
    rmSync(file("image", "layers", "model"), { recursive: true });
    expect(await machine.run("generate", "--check")).toMatchObject({ exit: 0 });
    writeFileSync(file("kubernetes", "service.yaml"), "changed: true\n");
    rmSync(file("image", "Dockerfile"));
    const checked = await machine.run("generate", "--check", "--json");
    expect(checked.exit).toBe(2);
    expect(documentOf(checked)).toMatchObject({
      added: ["image/Dockerfile"],
      changed: ["kubernetes/service.yaml"],
    });
    expect(read("kubernetes", "service.yaml")).toBe("changed: true\n");
    expect(existsSync(file("image", "Dockerfile"))).toBe(false);
    expect(await machine.run("generate")).toMatchObject({ exit: 0 });
    expect(await machine.run("generate", "--check")).toMatchObject({ exit: 0 });
  });

  it("removes what it wrote and is not wanted any more, and nothing else", async () => {
    await machine.run("generate", "--set", "deploy.monitor=podMonitor");
    expect(existsSync(file("kubernetes", "pod-monitor.yaml"))).toBe(true);
    writeFileSync(file("kubernetes", "own.yaml"), "mine\n");
    const again = await machine.run("generate", "--json");
    expect(documentOf(again)).toMatchObject({ removed: ["kubernetes/pod-monitor.yaml"] });
    expect(read("kubernetes", "own.yaml")).toBe("mine\n");
  });

  it("refuses a file in the context that it did not write", async () => {
    await machine.run("generate");
    mkdirSync(file("image", "layers", "model", "app", "model", "extra"), { recursive: true });
    writeFileSync(file("image", "layers", "model", "app", "model", "extra", "x"), "x");
    const refused = await machine.run("generate");
    expect(refused.exit).toBe(2);
    expect(refused.stderr).toContain("image/layers/model/app/model/extra/x");
  });

  it("keeps the image that the objects name for the same plan", async () => {
    const image = `ghcr.io/acme/fraud@sha256:${"b".repeat(64)}`;
    await machine.run("generate", "--image", image);
    expect(documentOf(await machine.run("generate", "--json"))).toMatchObject({ image, changed: [] });
  });

  it("stops at a secret beside the model", async () => {
    const key = ["-----BEGIN", "PRIVATE KEY-----"].join(" ");
    writeFileSync(
      path.join(machine.folder, "handler.py"),
      `def load(folder): return 1\nKEY = """${key}"""\n`,
    );
    const refused = await machine.run("generate", "--set", "model.handler=handler.py");
    expect(refused.exit).toBe(2);
    expect(refused.stderr).toContain("handler.py looks like a private key");
    expect(existsSync(file())).toBe(false);
  });

  it("hands the template over once, and uses it then", async () => {
    expect(await machine.run("generate", "--eject")).toMatchObject({ exit: 0 });
    expect((await machine.run("generate", "--eject")).exit).toBe(2);
    const own = path.join(machine.folder, "Dockerfile.eta");
    writeFileSync(own, `${readFileSync(own, "utf8")}# my own line\n`);
    await machine.run("generate", "--set", "image.template=Dockerfile.eta");
    expect(read("image", "Dockerfile")).toContain("# my own line");
  });
});
