import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestBytes } from "../../../../src/digest.ts";
import { changesOf } from "../../../../src/image/lock/changes.ts";
import { askedBy, driftOf, inputsOf } from "../../../../src/image/lock/drift.ts";
import type { Lock } from "../../../../src/image/lock/lock.ts";
import { anyLock, exampleLock } from "./example.ts";

const lock = exampleLock();
const drifts = (now: Partial<Lock["inputs"]>) => driftOf(lock, { ...lock.inputs, ...now });

/** Two locks that differ in everything, or in the requirements alone, or in nothing. */
const pair = fc.oneof(
  fc.tuple(anyLock, anyLock),
  fc.tuple(anyLock, fc.array(fc.constantFrom("numpy", "six"))).map(([one, lines]): [Lock, Lock] => [
    one,
    {
      ...one,
      inputs: { ...one.inputs, requirements: [...new Set([...one.inputs.requirements, ...lines])] },
    },
  ]),
);

describe("drift", () => {
  it("is nothing where the inputs are equal, and something where they are not", () => {
    fc.assert(
      fc.property(pair, ([one, other]) => {
        expect(driftOf(one, one.inputs)).toEqual([]);
        const sorted = ({ inputs }: Lock) => ({
          ...inputs,
          requirements: inputs.requirements.toSorted(),
          allowSource: inputs.allowSource.toSorted(),
        });
        const same = isDeepStrictEqual(sorted(one), sorted(other));
        expect(driftOf(one, other.inputs).length > 0).toBe(!same);
      }),
    );
  });

  it.each<[Partial<Lock["inputs"]>, RegExp]>([
    [
      { model: digestBytes("other") },
      /^the model is another one: sha256:[0-9a-f]{12} was locked, it is sha256:[0-9a-f]{12}$/,
    ],
    [{ requirements: ["numpy", "pandas", "scikit-learn==1.5.2"] }, /^the requirement pandas is new$/],
    [{ requirements: ["numpy"] }, /^the requirement scikit-learn==1\.5\.2 is gone$/],
    [{ python: "3.11" }, /^python.version is 3.11, auto was locked$/],
    [{ base: "python:3.12" }, /^the base is python:3.12, python:3.12-slim was locked$/],
    [{ platforms: ["linux/amd64"] }, /^the platform linux\/arm64 is gone$/],
    [{ allowSource: ["docopt"] }, /^python.allowSource names docopt$/],
    [{ server: digestBytes("newer") }, /^mlship's server is another version$/],
  ])("by %j is told", (now, words) => {
    expect(drifts(now)).toEqual([expect.stringMatching(words)]);
  });

  it("names everything at once", () => {
    expect(drifts({ model: digestBytes("other"), python: "3.11", requirements: [] })).toHaveLength(4);
  });
});

it("a configuration asks for the same whatever the order of its lists", () => {
  const config = (platforms: Lock["inputs"]["platforms"], allowSource: string[]) =>
    ({
      python: { version: "auto", requirements: null, allowSource },
      image: { base: null, platforms },
    }) as unknown as Parameters<typeof askedBy>[0];
  const facts = { model: { digest: lock.inputs.model }, requirements: lock.inputs.requirements };
  const asked = askedBy(config(["linux/arm64", "linux/amd64"], ["Ruamel.yaml", "a_b"]), facts);
  expect(asked).toEqual(askedBy(config(["linux/amd64", "linux/arm64"], ["a-b", "ruamel-yaml"]), facts));
  expect(inputsOf(asked, "3.12", lock.inputs.server).base).toBe("python:3.12-slim");
});

describe("changes", () => {
  it("are none between equal locks, and swap sides with the locks", () => {
    fc.assert(
      fc.property(anyLock, anyLock, (one, other) => {
        expect(changesOf(one, one)).toEqual([]);
        const back = changesOf(other, one).map(({ from, to, ...change }) => ({
          ...change,
          from: to,
          to: from,
        }));
        expect(back).toHaveLength(changesOf(one, other).length);
        expect(new Set(back.map((change) => JSON.stringify(change)))).toEqual(
          new Set(
            changesOf(one, other).map(({ from, to, ...change }) => JSON.stringify({ ...change, from, to })),
          ),
        );
      }),
    );
  });

  it("name a version once for all platforms, and a platform where only it changed", () => {
    const after = structuredClone(lock);
    for (const pins of Object.values(after.packages)) pins[0]!.version = "2.2.1";
    after.packages["linux/arm64"]![1]!.version = "1.5.3";
    after.base.digest = digestBytes("newer");
    expect(changesOf(lock, after)).toEqual([
      {
        subject: "base",
        platforms: null,
        from: lock.base.digest,
        to: after.base.digest,
      },
      { subject: "numpy", platforms: ["linux/amd64", "linux/arm64"], from: "2.1.0", to: "2.2.1" },
      { subject: "scikit-learn", platforms: ["linux/arm64"], from: "1.5.2", to: "1.5.3" },
    ]);
  });

  it("tell other files of the same version", () => {
    const after = structuredClone(lock);
    after.packages["linux/amd64"]![1]!.sha256 = ["0".repeat(64)];
    expect(changesOf(lock, after)).toMatchObject([{ subject: "scikit-learn", to: "1.5.2 (000000000000)" }]);
  });
});
