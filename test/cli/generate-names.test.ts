// `mlship generate` and the names of a model's files: kept to the byte where they can be seen, refused where not.
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeEach, expect, test } from "vitest";
import { digestBytes } from "../../src/digest.ts";
import { parseReference } from "../../src/image/oci/reference.ts";
import { Machine } from "./fake-host.ts";
import { makeProject } from "./project.ts";

let machine: Machine;

beforeEach(() => {
  machine = new Machine(makeProject());
  const config = Buffer.from(JSON.stringify({ os: "linux", architecture: "amd64", config: {} }));
  machine.registry.blobs.set("docker.io/library/python", new Map([[digestBytes(config), config]]));
  const manifest = JSON.stringify({ config: { digest: digestBytes(config) }, layers: [{ size: 42 }] });
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  machine.registry.put(parseReference("python:3.12-slim"), "3.12-slim", mediaType, Buffer.from(manifest));
  // The model becomes a folder, as models of several files are.
  mkdirSync(path.join(machine.folder, "model"));
  renameSync(path.join(machine.folder, "model.json"), path.join(machine.folder, "model", "model.json"));
});

const generate = () => machine.run("generate", "--set", "model.path=model");
const below = (...parts: string[]) => path.join(machine.folder, "model", ...parts);
const written = () => path.join(machine.folder, "deploy", "image", "layers", "model", "app", "model");

test.each([
  "-rf",
  "--chmod=777",
  "two  blanks ",
  "'single' \"double\"",
  "$(id) `id` ${HOME} $HOME",
  "back\\slash",
  "#no comment",
  "*?[a-z]",
  "!Dockerfile",
  "<<EOF",
  "é 🐟 模型",
  "a:b,c=d;e|f&g",
])("%s is the name of a file and nothing else", async (name) => {
  writeFileSync(below(name), "kept");
  expect(await generate()).toMatchObject({ exit: 0 });
  expect(readdirSync(written()).toSorted()).toEqual([name, "model.json"].toSorted());
});

test.each([
  ["a line break", Buffer.from("a\nRUN id"), "U+000A"],
  ["an escape", Buffer.from("a\u001b[31m"), "U+001B"],
  ["a delete", Buffer.from("a\u007f"), "U+007F"],
  ["a turn of direction", Buffer.from("a\u202etxt.exe"), "U+202E"],
  ["a line separator", Buffer.from("a\u2028b"), "U+2028"],
  ["bytes that are not UTF-8", Buffer.from([0x61, 0xff, 0xfe]), "bytes that are not UTF-8"],
])("%s in the name of a file is refused by what it is", async (_what, name, told) => {
  writeFileSync(Buffer.concat([Buffer.from(`${below()}${path.sep}`), name]), "x");
  const refused = await generate();
  expect(refused.exit).toBe(2);
  expect(refused.stderr.replaceAll(/\s+/g, " ")).toContain(told);
  expect(existsSync(path.join(machine.folder, "deploy"))).toBe(false);
});
