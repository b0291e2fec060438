// What a Dockerfile says: the order of its layers, its secrets, and values that come out as they went in.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { MlshipError } from "../../../../src/errors.ts";
import { secretsSetIn } from "../../../../src/image/plan/build-secrets.ts";
import { imageConfig } from "../../../../src/image/plan/config.ts";
import { renderDockerfile } from "../../../../src/image/plan/dockerfile.ts";
import { renderExample } from "./dockerfile-example.ts";
import { readInstructions, readPairs } from "./dockerfile-reader.ts";

const digest = `sha256:${"a".repeat(64)}` as const;
const instructions = readInstructions(renderExample());
const all = (name: string) =>
  instructions.filter((instruction) => instruction.name === name).map(({ args }) => args);

test("layers come in the order in which they change, the model last but one", () => {
  expect(all("COPY")).toEqual([
    "--link --from=environment /out/ /",
    "--link --from=server /out/ /",
    "--link --from=model /out/ /",
    "--link --from=bundle /out/ /",
  ]);
  expect(renderExample({ baked: false })).not.toContain("layers/model");
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
          text = renderExample({ name: name.join(""), version: version.join("") });
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
