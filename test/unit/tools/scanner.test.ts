// Trivy and Grype as programs that print what their documentation shows; the real Grype runs in test/e2e.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { digestBytes, type Digest } from "../../../src/digest.ts";
import type { Vulnerability } from "../../../src/image/check/vulnerabilities.ts";
import { findScanner } from "../../../src/tools/scanner.ts";

let folder = "";
let manifest: Digest;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "mlship-scanner-test-"));
  mkdirSync(path.join(folder, "layout/blobs/sha256"), { recursive: true });
  mkdirSync(path.join(folder, "bin"));
  const text = JSON.stringify({ schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json" });
  manifest = digestBytes(text);
  writeFileSync(path.join(folder, "layout/blobs", manifest.replace(":", "/")), text);
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Puts a program of this name on PATH. `$LAYOUT` is the folder that it is to scan. */
function install(name: "trivy" | "grype", script: string): void {
  const file = path.join(folder, "bin", name);
  writeFileSync(file, `#!/bin/sh\nfor last; do :; done\nLAYOUT=\${last#oci-dir:}\n${script}\n`);
  chmodSync(file, 0o755);
}

function prints(name: "trivy" | "grype", document: object): void {
  install(name, `cat <<'END'\n${JSON.stringify(document)}\nEND`);
}

async function scan(): Promise<Vulnerability[]> {
  const scanner = await findScanner({ PATH: `${folder}/bin:/usr/bin:/bin` });
  if (scanner === null) throw new Error("no scanner");
  return await scanner.scan(path.join(folder, "layout"), manifest);
}

test("Trivy's report", async () => {
  const one = {
    VulnerabilityID: "CVE-2026-1",
    PkgName: "libssl3",
    InstalledVersion: "3.0.1",
    Severity: "HIGH",
  };
  prints("trivy", {
    SchemaVersion: 2,
    ArtifactType: "container_image",
    Results: [
      {
        Target: "debian",
        Class: "os-pkgs",
        Type: "debian",
        Vulnerabilities: [{ ...one, FixedVersion: "3.0.2" }],
      },
      { Target: "Python", Class: "lang-pkgs", Type: "python-pkg" },
      { Target: "more", Vulnerabilities: [{ ...one, Severity: "UNKNOWN" }] },
    ],
  });
  const read = { id: "CVE-2026-1", package: "libssl3", version: "3.0.1" };
  expect(await scan()).toEqual([
    { ...read, fixed: "3.0.2", severity: "high" },
    { ...read, fixed: null, severity: null },
  ]);
  prints("trivy", { SchemaVersion: 2 });
  expect(await scan()).toEqual([]);
});

test("Grype's report", async () => {
  const match = (severity: string, fix: object) => ({
    vulnerability: { id: "GHSA-1", severity, fix },
    artifact: { name: "numpy", version: "2.3.1", type: "python" },
  });
  prints("grype", {
    matches: [
      match("Negligible", { versions: [], state: "not-fixed" }),
      match("Critical", { versions: ["2.3.2", "2.4.0"], state: "fixed" }),
    ],
    descriptor: { name: "grype", version: "0.110.0" },
  });
  const read = { id: "GHSA-1", package: "numpy", version: "2.3.1" };
  expect(await scan()).toEqual([
    { ...read, fixed: null, severity: "low" },
    { ...read, fixed: "2.3.2, 2.4.0", severity: "critical" },
  ]);
});

test.each(["trivy", "grype"] as const)(
  "%s is shown one image only, and nothing of that stays",
  async (name) => {
    const report = { SchemaVersion: 2, matches: [], descriptor: { name: "grype" } };
    install(name, `cp -rL "$LAYOUT" "$SEEN"; echo '${JSON.stringify(report)}'`);
    const seen = path.join(folder, "seen");
    const before = readdirSync(tmpdir()).filter((entry) => entry.startsWith("mlship-scan-"));
    const scanner = await findScanner({ PATH: `${folder}/bin:/usr/bin:/bin`, SEEN: seen });
    expect(await scanner?.scan(path.join(folder, "layout"), manifest)).toEqual([]);
    const index = JSON.parse(readFileSync(path.join(seen, "index.json"), "utf8")) as { manifests: object[] };
    expect(index.manifests).toEqual([expect.objectContaining({ digest: manifest })]);
    expect(digestBytes(readFileSync(path.join(seen, "blobs", manifest.replace(":", "/"))))).toBe(manifest);
    expect(readdirSync(tmpdir()).filter((entry) => entry.startsWith("mlship-scan-"))).toEqual(before);
  },
);

test("a scanner that fails says why, and nothing passes", async () => {
  install("trivy", "echo 'FATAL failed to download vulnerability DB' >&2; exit 1");
  await expect(scan()).rejects.toMatchObject({
    code: "scanner.failed",
    why: "FATAL failed to download vulnerability DB",
    exit: "unavailable",
  });
});

test.each([
  "",
  "[]",
  "{}",
  "not JSON",
  '{"SchemaVersion":3}',
  '{"SchemaVersion":2,"Results":[{"Vulnerabilities":[{}]}]}',
])("%j is no report", async (text) => {
  for (const name of ["grype", "trivy"] as const) {
    install(name, `printf '%s' '${text}'`);
    await expect(scan()).rejects.toMatchObject({ code: "scanner.bad-report", exit: "unavailable" });
  }
});

test("Trivy comes first; without either there is none; a file that cannot run is none", async () => {
  expect(await findScanner({ PATH: `${folder}/bin` })).toBeNull();
  expect(await findScanner({})).toBeNull();
  writeFileSync(path.join(folder, "bin", "trivy"), "", { mode: 0o644 });
  install("grype", "");
  expect((await findScanner({ PATH: `${folder}/bin` }))?.name).toBe("Grype");
  install("trivy", "");
  expect((await findScanner({ PATH: `/nonexistent:${folder}/bin` }))?.name).toBe("Trivy");
});
