// The policy on known vulnerabilities: what stops a build, what is told, and that nothing passes unlooked at.
import { expect, test } from "vitest";
import { severities, type Severity } from "../../../../src/config/image-keys.ts";
import { digestBytes } from "../../../../src/digest.ts";
import { MlshipError } from "../../../../src/errors.ts";
import { scanImage, type Scanner, type Vulnerability } from "../../../../src/image/check/vulnerabilities.ts";

const found = (severity: Vulnerability["severity"], id = "CVE-1"): Vulnerability => ({
  id,
  package: "numpy",
  version: "2.3.1",
  fixed: "2.3.2",
  severity,
});
const scanner = (...all: Vulnerability[]): Scanner => ({ name: "Grype", scan: () => Promise.resolve(all) });
const manifests = [digestBytes("amd64"), digestBytes("arm64")];

/** The lines that were told, or the error. */
async function outcome(failOn: Severity, by: Scanner | null): Promise<string[] | MlshipError> {
  const lines: string[] = [];
  try {
    await scanImage("layout", manifests, failOn, by, (line) => void lines.push(line));
    return lines;
  } catch (error) {
    if (error instanceof MlshipError) return error;
    throw error;
  }
}

test("a finding stops the build exactly when it reaches failOn", async () => {
  const real = ["low", "medium", "high", "critical"] as const;
  for (const failOn of real) {
    for (const severity of real) {
      const stops = severities.indexOf(severity) >= severities.indexOf(failOn);
      const result = await outcome(failOn, scanner(found(severity)));
      expect(result instanceof MlshipError, `${severity} at ${failOn}`).toBe(stops);
      if (stops) expect(result).toMatchObject({ code: "image.vulnerable", exit: "gate" });
    }
  }
});

test("an unknown severity is taken for a bad one", async () => {
  expect(await outcome("critical", scanner(found(null)))).toMatchObject({ code: "image.vulnerable" });
});

test("the worst are named with package, version, fix and id; the rest is counted; platforms count once", async () => {
  const many = Array.from({ length: 12 }, (_, at) => found("high", `CVE-${String(at).padStart(2, "0")}`));
  const error = await outcome("high", scanner(...many, { ...found("critical", "CVE-99"), fixed: null }));
  expect(error).toMatchObject({ what: "13 known vulnerabilities are high or worse, by Grype" });
  const named = error instanceof MlshipError ? error.problems.map(({ what }) => what) : [];
  expect(named).toHaveLength(11);
  expect(named[0]).toBe("numpy 2.3.1: CVE-99, critical, no fixed version");
  expect(named[1]).toBe("numpy 2.3.1: CVE-00, high, fixed in 2.3.2");
  expect(named[10]).toBe("and 3 more");
});

test("without a scanner nothing has passed", async () => {
  expect(await outcome("low", null)).toMatchObject({ code: "image.no-scanner", exit: "unavailable" });
});

test("one line says what was looked for", async () => {
  expect(await outcome("none", null)).toEqual([
    "known vulnerabilities: not looked for (image.scan.failOn is none)",
  ]);
  expect(await outcome("high", scanner())).toEqual(["known vulnerabilities: none, by Grype"]);
  expect(await outcome("high", scanner(found("low")))).toEqual([
    "known vulnerabilities: 1 below high, by Grype",
  ]);
});

test("every platform is scanned, and what one scan throws is not swallowed", async () => {
  const seen: string[] = [];
  const broken: Scanner = {
    name: "Trivy",
    scan(_layout, manifest) {
      seen.push(manifest);
      if (seen.length < 2) return Promise.resolve([]);
      return Promise.reject(
        new MlshipError({ code: "scanner.failed", what: "no database", exit: "unavailable" }),
      );
    },
  };
  expect(await outcome("high", broken)).toMatchObject({ code: "scanner.failed" });
  expect(seen).toEqual(manifests);
});
