// Known vulnerabilities in a built image: what a scanner found, against what mlship.yaml lets pass.
import { severities, type Severity } from "../../config/image-keys.ts";
import type { Digest } from "../../digest.ts";
import { MlshipError } from "../../errors.ts";

/** One known vulnerability of one package. */
export interface Vulnerability {
  /** `CVE-2026-27489`, `GHSA-…`. */
  id: string;
  package: string;
  version: string;
  /** The version without it; null when there is none. */
  fixed: string | null;
  /** Null when its severity is not known. */
  severity: Exclude<Severity, "none"> | null;
}

/** A program that looks for known vulnerabilities. */
export interface Scanner {
  /** For people: `Trivy`, `Grype`. */
  readonly name: string;
  /**
   * Scans one platform's image of an OCI layout.
   * @throws MlshipError `scanner.*`, exit 5, when it fails: nothing was found is not said then.
   */
  scan(layoutFolder: string, manifest: Digest): Promise<Vulnerability[]>;
}

/** Findings that an error names; the rest is counted. */
const mostNamed = 10;

/**
 * Scans every platform's image when `image.scan.failOn` asks for it.
 * @param scanner null when none is installed
 * @param note told one line about what was done, or why nothing was
 * @throws MlshipError `image.vulnerable`, exit 3; `image.no-scanner`, exit 5: what was not looked at has not passed.
 */
export async function scanImage(
  layoutFolder: string,
  manifests: readonly Digest[],
  failOn: Severity,
  scanner: Scanner | null,
  note: (line: string) => void,
): Promise<void> {
  if (failOn === "none") {
    note("known vulnerabilities: not looked for (image.scan.failOn is none)");
    return;
  }
  if (scanner === null) {
    throw new MlshipError({
      code: "image.no-scanner",
      what: `image.scan.failOn is ${failOn}, but there is no scanner on PATH`,
      fix: "install Trivy or Grype, or set image.scan.failOn to none in mlship.yaml",
      exit: "unavailable",
    });
  }
  const found = new Map<string, Vulnerability>();
  for (const manifest of manifests) {
    for (const one of await scanner.scan(layoutFolder, manifest)) {
      found.set([one.id, one.package, one.version].join(" "), one);
    }
  }
  const refused = [...found.values()].filter((one) => reaches(one, failOn)).toSorted(worstFirst);
  if (refused.length > 0) throw vulnerable(refused, failOn, scanner.name);
  const below = found.size === 0 ? "none" : `${found.size} below ${failOn}`;
  note(`known vulnerabilities: ${below}, by ${scanner.name}`);
}

/** A vulnerability whose severity nobody knows may be a bad one. */
function reaches({ severity }: Vulnerability, failOn: Severity): boolean {
  return severity === null || severities.indexOf(severity) >= severities.indexOf(failOn);
}

function worstFirst(a: Vulnerability, b: Vulnerability): number {
  const rank = (one: Vulnerability) => (one.severity === null ? 0 : severities.indexOf(one.severity));
  return rank(b) - rank(a) || (`${a.package} ${a.id}` < `${b.package} ${b.id}` ? -1 : 1);
}

function vulnerable(refused: Vulnerability[], failOn: Severity, scanner: string): MlshipError {
  const rest = refused.length - mostNamed;
  const problems = refused.slice(0, mostNamed).map(({ id, package: name, version, fixed, severity }) => ({
    what: `${name} ${version}: ${id}, ${severity ?? "severity unknown"}, ${fixed === null ? "no fixed version" : `fixed in ${fixed}`}`,
  }));
  return new MlshipError({
    code: "image.vulnerable",
    what: `${refused.length} known ${refused.length === 1 ? "vulnerability is" : "vulnerabilities are"} ${failOn} or worse, by ${scanner}`,
    fix: "run mlship lock --upgrade NAME for a package that has a fixed version, mlship lock --upgrade for the base image, or raise image.scan.failOn",
    exit: "gate",
    problems: rest > 0 ? [...problems, { what: `and ${rest} more` }] : problems,
  });
}
