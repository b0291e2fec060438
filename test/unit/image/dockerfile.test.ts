import { readFile } from "node:fs/promises";
import path from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MlshipError } from "../../../src/errors.ts";
import { indexSecrets, secretsSetIn } from "../../../src/image/build-secrets.ts";
import { imageConfig } from "../../../src/image/config.ts";
import { renderDockerfile } from "../../../src/image/dockerfile.ts";
import { readInstructions, readPairs } from "./dockerfile-reader.ts";

const digest = `sha256:${"a".repeat(64)}` as const;
const template = await readFile(
  path.resolve(import.meta.dirname, "../../../templates/image/Dockerfile.eta"),
  "utf8",
);

function render({ name = "fraud", version = "1.4.0", baked = true } = {}): string {
  const base = "docker.io/library/python:3.12-slim";
  const config = imageConfig({
    name,
    version,
    timeoutMs: 2000,
    startTimeoutMs: 60_500,
    baseName: base,
    baseDigest: digest,
    evidence: { model: digest, lock: digest, report: digest },
  });
  return renderDockerfile(template, {
    name,
    version,
    base: `${base}@${digest}`,
    config,
    secrets: indexSecrets,
    baked,
  });
}

const instructions = readInstructions(render());
const last = (name: string) => instructions.findLast((instruction) => instruction.name === name)?.args;
const all = (name: string) =>
  instructions.filter((instruction) => instruction.name === name).map(({ args }) => args);

describe("rules of Trivy, Dockle and the CIS benchmark that no tool here runs", () => {
  test("CIS-DI-0001, DS-0002: the last user is numeric and not root", () => {
    expect(last("USER")).toBe("65532:65532");
  });
  test("CIS-DI-0006, DS-0026: there is a health check, without a shell, with a start period", () => {
    expect(last("HEALTHCHECK")).toMatch(/--start-period=61s +CMD \["python3",/);
  });
  test("DS-0001, DS-0031: every base is held by its digest, and no secret is in ENV or ARG", () => {
    expect(all("FROM").filter((from) => !from.startsWith("builder AS "))).toEqual([
      `--platform=$BUILDPLATFORM docker.io/library/python:3.12-slim@${digest} AS builder`,
      `docker.io/library/python:3.12-slim@${digest} AS runtime`,
    ]);
    expect([...all("ENV"), ...all("ARG")].join(" ")).not.toMatch(/token|password|secret|index/i);
  });
  test("CIS-DI-0009, DS-0005: COPY and never ADD", () => {
    expect(all("ADD")).toEqual([]);
  });
  test("DS-0004, DS-0008: the port is above 1024 and is not that of SSH", () => {
    expect(last("EXPOSE")).toBe("8080");
  });
  test("DKL-DI-0001 to 0005: no sudo, no package manager, no shell", () => {
    expect(all("RUN").length).toBe(4);
    for (const run of all("RUN")) expect(run).toMatch(/ \["python3", "\/build\/\w+\.py"(, "[\w/]+")+\]$/);
  });
  test("DS-0016, DS-0023: one entry point, one health check, in exec form", () => {
    expect(all("ENTRYPOINT")).toHaveLength(1);
    expect(all("HEALTHCHECK")).toHaveLength(1);
    expect(JSON.parse(last("ENTRYPOINT") ?? "")).toContain("serve");
  });
});

test("layers come in the order in which they change, the model last but one", () => {
  expect(all("COPY")).toEqual([
    "--link --from=environment /out/ /",
    "--link --from=server /out/ /",
    "--link layers/model/ /",
    "--link layers/runtime/ /",
  ]);
  expect(render({ baked: false })).not.toContain("layers/model");
});

test("an index is a secret mount, whether it is set or not", () => {
  expect(all("RUN")[0]).toContain(
    "--mount=type=secret,id=uv-default-index,target=/run/secrets/UV_DEFAULT_INDEX",
  );
  expect(secretsSetIn({ UV_DEFAULT_INDEX: "https://u:p@example.org/", UV_INDEX: "" })).toEqual([
    { id: "uv-default-index", variable: "UV_DEFAULT_INDEX" },
  ]);
});

test(
  "any name and version is a label of exactly that text and changes nothing else, or is refused",
  { timeout: 60_000 },
  () => {
    const shape = instructions.map(({ name }) => name);
    const piece = fc.constantFrom(
      '"',
      "\\",
      "$",
      "${x}",
      "$(id)",
      "`",
      "\n",
      "\0",
      "\u202e",
      "#",
      " ",
      "'",
      "é",
      "RUN x",
    );
    const value = fc.array(fc.oneof(piece, fc.string({ unit: "binary", maxLength: 4 })), { maxLength: 8 });
    fc.assert(
      fc.property(value, value, (name, version) => {
        let text: string;
        try {
          text = render({ name: name.join(""), version: version.join("") });
        } catch (error) {
          expect(error).toBeInstanceOf(MlshipError);
          expect(error).toMatchObject({ code: "image.unprintable" });
          return;
        }
        const read = readInstructions(text);
        expect(read.map((instruction) => instruction.name)).toEqual(shape);
        const labels = read.find((instruction) => instruction.name === "LABEL")?.args ?? "";
        expect(readPairs(labels)).toMatchObject({
          "org.opencontainers.image.title": name.join(""),
          "org.opencontainers.image.version": version.join(""),
          "dev.mlship.model.digest": digest,
        });
      }),
    );
  },
);

test("a template that cannot be filled in is said to be", () => {
  const config = {
    ...imageConfig({
      name: "a",
      version: "1",
      timeoutMs: 1,
      startTimeoutMs: 1,
      baseName: "b",
      baseDigest: digest,
      evidence: { model: digest, lock: digest, report: digest },
    }),
  };
  expect(() =>
    renderDockerfile("<%= it.nothing.at %>", {
      name: "a",
      version: "1",
      base: "b",
      config,
      secrets: [],
      baked: true,
    }),
  ).toThrow(expect.objectContaining({ code: "image.bad-template" }));
});
