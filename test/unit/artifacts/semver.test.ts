import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareVersions, isVersion } from "../../../src/artifacts/semver.ts";

// The order that section 11 of the specification gives, and versions around it.
const ordered = [
  "0.9.0",
  "1.0.0-alpha",
  "1.0.0-alpha.1",
  "1.0.0-alpha.beta",
  "1.0.0-beta",
  "1.0.0-beta.2",
  "1.0.0-beta.11",
  "1.0.0-rc.1",
  "1.0.0",
  "1.0.0+build.1",
  "1.9.0",
  "1.10.0",
  "2.0.0",
  "10.0.0",
  "99999999999999999999.0.0",
  "100000000000000000000.0.0",
];

const version = fc
  .tuple(
    fc.nat(11),
    fc.nat(11),
    fc.nat(11),
    fc.array(fc.constantFrom("0", "2", "11", "a", "b1", "-"), { maxLength: 3 }),
  )
  .map(
    ([major, minor, patch, labels]) =>
      `${major}.${minor}.${patch}${labels.length === 0 ? "" : `-${labels.join(".")}`}`,
  );

describe("versions", () => {
  it("are ordered as the specification says", () => {
    expect(ordered.toReversed().sort(compareVersions)).toEqual(ordered);
  });

  it.each([
    "1",
    "1.0",
    "v1.0.0",
    "1.0.0.0",
    "01.0.0",
    "1.0.0-",
    "1.0.0-01",
    "1.0.0-a..b",
    "1.0.0+",
    " 1.0.0",
    "1.0.0\n",
    "../1.0.0",
  ])("does not take %j for one", (text) => {
    expect(isVersion(text)).toBe(false);
    expect(() => compareVersions(text, "1.0.0")).toThrow(TypeError);
  });

  it("have a total order", () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(isVersion(a)).toBe(true);
        expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
        expect(compareVersions(a, b) === 0).toBe(a === b);
        const [low = "", middle = "", high = ""] = [a, b, c].sort(compareVersions);
        expect(compareVersions(low, middle)).toBeLessThanOrEqual(0);
        expect(compareVersions(low, high)).toBeLessThanOrEqual(0);
      }),
    );
  });
});
