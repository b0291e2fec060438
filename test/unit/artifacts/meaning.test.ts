import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { differences, newestOf, proposeVersion } from "../../../src/artifacts/bump.ts";
import {
  neighboursOf,
  requireMeaning,
  untold,
  weightOf,
  type Promised,
} from "../../../src/artifacts/meaning.ts";
import type { ObjectStore } from "../../../src/artifacts/ports.ts";
import { publish } from "../../../src/artifacts/publish.ts";
import { makeRelease } from "../../../src/artifacts/release.ts";
import { compareVersions, raise } from "../../../src/artifacts/semver.ts";
import { listVersions } from "../../../src/artifacts/versions.ts";
import { digestBytes } from "../../../src/digest.ts";
import { MlshipError } from "../../../src/errors.ts";
import { signatureChanges } from "../../../src/model/signature-change.ts";
import { exampleRelease } from "./example.ts";
import { createMemoryStore } from "./memory-store.ts";
import { machineClock } from "./machine-clock.ts";

type Inputs = Promised["inputs"];
const age: Inputs[number] = { name: "age", type: "float64", nullable: false };
const sex: Inputs[number] = { name: "sex", type: "string", nullable: true };

/** The example with other inputs. */
function exampleOf(version: string, inputs: Inputs = [age], weights = "weights") {
  const { release, sources } = exampleRelease(version, weights);
  return { release: makeRelease({ ...release, bundle: { ...release.bundle, inputs } }), sources };
}

async function releasing(store: ObjectStore, version: string, inputs: Inputs): Promise<string> {
  const { release, sources } = exampleOf(version, inputs);
  try {
    await requireMeaning(store, release.bundle);
  } catch (error) {
    if (error instanceof MlshipError) return `${error.code} ${error.fix ?? ""}`;
    throw error;
  }
  await publish(store, release, sources, { clock: machineClock });
  return "released";
}

describe("the step between two versions", () => {
  it.each([
    ["1.0.0", "1.0.1", "patch"],
    ["1.0.0", "1.1.0", "minor"],
    ["1.9.9", "2.0.0", "major"],
    ["0.3.0", "0.3.1", "minor"],
    ["0.3.0", "0.4.0", "major"],
    ["0.3.0", "1.0.0", "major"],
    ["1.0.0", "1.1.0-rc.1", "minor"],
  ] as const)("%s to %s says %s", (from, to, weight) => {
    expect(weightOf(from, to)).toBe(weight);
  });

  it.each([
    ["1.0.1", ["1.0.0", "1.1.0", "2.0.0"], "1.0.0", "1.1.0"],
    ["2.0.0", ["1.0.0", "1.1.0"], null, null],
    ["1.10.0", ["1.9.0", "1.2.0", "1.11.0-rc.1"], "1.9.0", null],
    ["1.1.0", ["1.1.0-rc.1", "1.0.0"], "1.0.0", null],
    ["1.1.0-rc.2", ["1.0.0", "1.1.0-rc.1", "1.1.0"], "1.0.0", null],
    ["0.3.5", ["0.2.0", "0.3.0", "0.4.0", "1.0.0"], "0.3.0", null],
  ])("%s among %j stands between %s and %s", (version, released, below, above) => {
    expect(neighboursOf(version, released)).toEqual({ below, above });
  });
});

describe("a release", () => {
  it("says by its number what changed, or is refused with the one that would", async () => {
    const store = createMemoryStore();
    const next = (version: string) =>
      `version.meaning set version: ${version} in mlship.yaml, or let --bump auto do it`;
    expect(await releasing(store, "1.0.0", [age])).toBe("released");
    expect(await releasing(store, "1.0.1", [age, sex])).toBe(next("1.1.0"));
    expect(await releasing(store, "1.0.1", [sex])).toBe(next("2.0.0"));
    expect(await releasing(store, "1.1.0", [sex])).toBe(next("2.0.0"));
    expect(await releasing(store, "1.1.0", [age, sex])).toBe("released");
    expect(await releasing(store, "2.0.0", [sex])).toBe("released");
    // A correction of the older line, and one that would take away from its successor.
    expect(await releasing(store, "1.0.1", [age])).toBe("released");
    expect(await releasing(store, "1.0.2", [{ ...age, nullable: true }])).toBe(next("3.0.0"));
    expect(await releasing(store, "1.2.0", [age])).toBe(next("3.0.0"));
    expect(await releasing(store, "2.1.0", [age])).toBe(next("3.0.0"));
  });

  it("below 1.0.0 breaks with its minor number", async () => {
    const store = createMemoryStore();
    expect(await releasing(store, "0.3.0", [age])).toBe("released");
    expect(await releasing(store, "0.3.1", [age, sex])).toBe("released");
    expect(await releasing(store, "0.3.2", [sex])).toContain("set version: 0.4.0");
    expect(await releasing(store, "0.4.0", [sex])).toBe("released");
  });

  it("in whatever order they come, later ones of a line take what earlier ones took", async () => {
    const input = fc.record({
      name: fc.constantFrom("age", "sex"),
      type: fc.constantFrom("int64" as const, "float64" as const),
      nullable: fc.boolean(),
    });
    const inputs = fc.uniqueArray(input, { selector: ({ name }) => name });
    const version = fc.tuple(fc.nat(2), fc.nat(3), fc.nat(2)).map((core) => core.join("."));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(version, inputs), { maxLength: 12 }), async (wanted) => {
        const store = createMemoryStore();
        const accepted = new Map<string, Promised>();
        for (const [one, taken] of wanted) {
          if (accepted.has(one)) continue;
          if ((await releasing(store, one, taken)) === "released")
            accepted.set(one, exampleOf(one, taken).release.bundle);
        }
        const line = [...accepted.values()].toSorted((a, b) => compareVersions(a.version, b.version));
        for (const [place, before] of line.entries())
          for (const after of line.slice(place + 1)) expect(untold(before, after)).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it("is always let through under the version that a refusal names", async () => {
    const version = fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2)).map((core) => core.join("."));
    const inputs = fc.subarray([age, sex]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(version, inputs), { maxLength: 8 }), async (wanted) => {
        const store = createMemoryStore();
        for (const [one, taken] of wanted) {
          if ((await listVersions(store, "fraud")).includes(one)) continue;
          const said = await releasing(store, one, taken);
          const named = /set version: (\S+)/.exec(said)?.[1];
          if (named !== undefined) expect(await releasing(store, named, taken)).toBe("released");
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe("--bump", () => {
  const candidateOf = (inputs: Inputs, weights: string, environment = digestBytes("lock")) => ({
    bundle: exampleOf("9.9.9", inputs, weights).release.bundle,
    environment,
  });
  const standing = (version: string, current = version) => ({
    current,
    newest: exampleOf(version).release,
    released: [version],
    fits: true,
  });

  it("weighs what changed", () => {
    const { release } = exampleOf("1.0.0");
    const weights = (...args: Parameters<typeof candidateOf>) =>
      differences(release, candidateOf(...args)).map(({ weight }) => weight);
    expect(weights([age], "weights")).toEqual([]);
    expect(weights([age], "others")).toEqual(["minor"]);
    expect(weights([age], "weights", digestBytes("upgraded"))).toEqual(["patch"]);
    expect(weights([age, sex], "weights")).toEqual(["minor"]);
    expect(weights([sex], "others", digestBytes("upgraded"))).toEqual(["major", "minor", "minor", "patch"]);
    const candidate = candidateOf([age], "weights");
    const bundle = { ...candidate.bundle, libraries: { "scikit-learn": "1.6.0" } };
    expect(differences(release, { ...candidate, bundle })).toEqual([
      { weight: "patch", what: "the same files are loaded in another way" },
    ]);
  });

  it.each([
    ["1.4.2", [age], "weights", "same", "1.4.2"],
    ["1.4.2", [age], "others", "raised", "1.5.0"],
    ["1.4.2", [sex], "others", "raised", "2.0.0"],
    ["0.4.2", [age], "others", "raised", "0.4.3"],
    ["0.4.2", [sex], "others", "raised", "0.5.0"],
  ])("auto after %s", (version, inputs, weights, kind, next) => {
    expect(proposeVersion("auto", standing(version), candidateOf(inputs, weights))).toMatchObject({
      kind,
      version: next,
    });
  });

  it("keeps a version that is ahead and fits, and raises exactly as a person says", () => {
    const changed = candidateOf([age], "others");
    const propose = (wish: "auto" | "minor", current: string, fits = true) =>
      proposeVersion(wish, { ...standing("1.4.2", current), fits }, changed).version;
    expect(propose("auto", "2.0.0-rc.1")).toBe("2.0.0-rc.1");
    expect(propose("auto", "1.4.3", false)).toBe("1.5.0");
    expect(propose("auto", "1.0.0")).toBe("1.5.0");
    expect(propose("minor", "3.0.0")).toBe("1.5.0");
  });

  it("what auto proposes always fits, and is above all that is released", async () => {
    const version = fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2)).map((core) => core.join("."));
    const inputs = fc.subarray([age, sex, { name: "town", type: "string" as const, nullable: false }]);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(version, inputs), { minLength: 1, maxLength: 5 }),
        inputs,
        async (wanted, mine) => {
          const store = createMemoryStore();
          const releases = new Map<string, ReturnType<typeof exampleOf>["release"]>();
          for (const [one, taken] of wanted) {
            if (releases.has(one) || (await releasing(store, one, taken)) !== "released") continue;
            releases.set(one, exampleOf(one, taken).release);
          }
          const released = await listVersions(store, "fraud");
          const newest = releases.get(newestOf(released) ?? "")!;
          const candidate = candidateOf(mine, "others");
          const next = proposeVersion("auto", { current: "0.0.0", newest, released, fits: false }, candidate);
          expect(next.kind).toBe("raised");
          expect(released.every((one) => compareVersions(one, next.version) < 0)).toBe(true);
          expect(signatureChanges(newest.bundle, candidate.bundle).length === 0 || next.why.length > 0).toBe(
            true,
          );
          expect(await releasing(store, next.version, mine)).toBe("released");
        },
      ),
      { numRuns: 40 },
    );
  });

  it("raises numbers of any length", () => {
    expect(raise("1.99999999999999999999.7-rc.1", "minor")).toBe("1.100000000000000000000.0");
  });
});
