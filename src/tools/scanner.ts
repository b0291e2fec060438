// Looks for known vulnerabilities with Trivy or Grype, whichever is on PATH.
import { access, constants, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";
import type { Digest } from "../digest.ts";
import { MlshipError } from "../errors.ts";
import type { Scanner, Vulnerability } from "../image/check/vulnerabilities.ts";
import { attempt, lastLines, type Variables } from "./process.ts";

/** How one program is asked, and how its answer is read. */
interface Dialect {
  /** For people. */
  name: string;
  program: string;
  /** @param layout folder with an OCI layout of one image */
  args(layout: string): string[];
  /** @throws ZodError for a document of another shape */
  read(document: unknown): Vulnerability[];
}

/** The scanners' words in lower case: `HIGH` and `High` are one. */
const severities = new Map<string, Vulnerability["severity"]>([
  ["negligible", "low"],
  ["low", "low"],
  ["medium", "medium"],
  ["high", "high"],
  ["critical", "critical"],
]);
const severity = z.string().transform((text) => severities.get(text.toLowerCase()) ?? null);

/** Trivy's JSON report, schema version 2: https://trivy.dev/latest/docs/configuration/reporting/#json */
const trivyReport = z.looseObject({
  SchemaVersion: z.literal(2),
  Results: z
    .array(
      z.looseObject({
        Vulnerabilities: z
          .array(
            z.looseObject({
              VulnerabilityID: z.string(),
              PkgName: z.string(),
              InstalledVersion: z.string(),
              FixedVersion: z.string().optional(),
              Severity: severity,
            }),
          )
          .nullish(),
      }),
    )
    .nullish(),
});

/** Grype's JSON report: https://github.com/anchore/grype, `grype -o json`. */
const grypeReport = z.looseObject({
  descriptor: z.looseObject({ name: z.literal("grype") }),
  matches: z.array(
    z.looseObject({
      vulnerability: z.looseObject({
        id: z.string(),
        severity,
        fix: z.looseObject({ versions: z.array(z.string()).nullish() }).optional(),
      }),
      artifact: z.looseObject({ name: z.string(), version: z.string() }),
    }),
  ),
});

const dialects: Dialect[] = [
  {
    name: "Trivy",
    program: "trivy",
    args: (layout) => ["image", "--no-progress", "--format", "json", "--scanners", "vuln", "--input", layout],
    read: (document) =>
      (trivyReport.parse(document).Results ?? []).flatMap(({ Vulnerabilities }) =>
        (Vulnerabilities ?? []).map((one) => ({
          id: one.VulnerabilityID,
          package: one.PkgName,
          version: one.InstalledVersion,
          fixed: one.FixedVersion || null,
          severity: one.Severity,
        })),
      ),
  },
  {
    name: "Grype",
    program: "grype",
    args: (layout) => ["--output", "json", `oci-dir:${layout}`],
    read: (document) =>
      grypeReport.parse(document).matches.map(({ vulnerability: { id, severity: how, fix }, artifact }) => ({
        id,
        package: artifact.name,
        version: artifact.version,
        fixed: fix?.versions?.join(", ") || null,
        severity: how,
      })),
  },
];

/** The first of Trivy and Grype that is on PATH; null when neither is. */
export async function findScanner(env: Variables, signal?: AbortSignal): Promise<Scanner | null> {
  for (const dialect of dialects) {
    if (await isOnPath(dialect.program, env)) return scannerOf(dialect, env, signal);
  }
  return null;
}

function scannerOf(dialect: Dialect, env: Variables, signal: AbortSignal | undefined): Scanner {
  const { name, program } = dialect;
  return {
    name,
    async scan(layoutFolder, manifest) {
      const layout = await oneImage(layoutFolder, manifest);
      try {
        const ran = await attempt(program, dialect.args(layout), { env, signal });
        if (ran.exitCode !== 0) throw failed(name, lastLines(ran.stderr || ran.stdout, 10));
        return readReport(dialect, ran.stdout);
      } finally {
        await rm(layout, { recursive: true, force: true });
      }
    },
  };
}

/** A layout that names one image only and borrows its blobs: of several, scanners would take the first. */
async function oneImage(layoutFolder: string, manifest: Digest): Promise<string> {
  const blobs = await realpath(path.join(layoutFolder, "blobs"));
  const bytes = await readFile(path.join(blobs, manifest.replace(":", "/")));
  const { mediaType } = z.looseObject({ mediaType: z.string() }).parse(JSON.parse(bytes.toString("utf8")));
  const folder = await mkdtemp(path.join(tmpdir(), "mlship-scan-"));
  const index = { schemaVersion: 2, manifests: [{ mediaType, digest: manifest, size: bytes.length }] };
  await symlink(blobs, path.join(folder, "blobs"));
  await writeFile(path.join(folder, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  await writeFile(path.join(folder, "index.json"), JSON.stringify(index));
  return folder;
}

function readReport(dialect: Dialect, text: string): Vulnerability[] {
  const { name } = dialect;
  try {
    return dialect.read(JSON.parse(text));
  } catch (cause) {
    throw new MlshipError({
      code: "scanner.bad-report",
      what: `what ${name} printed is not its JSON report`,
      fix: `install a current version of ${name}`,
      exit: "unavailable",
      cause,
    });
  }
}

function failed(name: string, why: string): MlshipError {
  return new MlshipError({
    code: "scanner.failed",
    what: `${name} could not scan the image`,
    ...(why === "" ? {} : { why }),
    fix: `make ${name} work (its database of vulnerabilities is fetched over the network), or set image.scan.failOn to none`,
    exit: "unavailable",
  });
}

async function isOnPath(program: string, env: Variables): Promise<boolean> {
  const folders = (env["PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== "");
  for (const folder of folders) {
    const found = await access(path.join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}
