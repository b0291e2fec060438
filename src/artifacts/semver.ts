// Semantic versions: how they are written and which one is newer (semver.org, version 2.0.0).

const number = "(?:0|[1-9]\\d*)";
const identifier = `(?:${number}|\\d*[A-Za-z-][0-9A-Za-z-]*)`;
const pattern = new RegExp(
  `^(${number})\\.(${number})\\.(${number})(?:-(${identifier}(?:\\.${identifier})*))?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$`,
);

/** Whether a text is a semantic version: `1.4.0`, `2.0.0-rc.1`, `1.0.0+build.7`. */
export function isVersion(text: string): boolean {
  return pattern.test(text);
}

/**
 * Below 0 when `a` is older than `b` (section 11 of the specification). Versions that differ in
 * their build alone are ordered by code unit, so that the order is total.
 * @throws TypeError for a text that is not a version.
 */
export function compareVersions(a: string, b: string): number {
  const [coreA, labelsA] = parse(a);
  const [coreB, labelsB] = parse(b);
  return (
    firstDifference(coreA, coreB) ||
    // A version without a pre-release label is newer than one with it.
    Number(labelsA.length === 0) - Number(labelsB.length === 0) ||
    firstDifference(labelsA, labelsB) ||
    compareText(a, b)
  );
}

/** Which number of a version is raised: `major.minor.patch`. */
export const levels = ["major", "minor", "patch"] as const;
export type Level = (typeof levels)[number];

/** How far a version is raised: as what changed asks for, or as a person says. */
export const bumps = ["auto", ...levels] as const;
export type BumpWish = (typeof bumps)[number];

/** Whether a version is a pre-release, such as `2.0.0-rc.1`: nothing is promised of it (section 9). */
export function isPrerelease(version: string): boolean {
  return parse(version)[1].length > 0;
}

/** Whether nothing is promised of the version's major yet: `0.x` (section 4). */
export function isInitial(version: string): boolean {
  return parse(version)[0][0] === "0";
}

/** The first number in which two versions differ; null when they differ in labels alone. */
export function stepBetween(a: string, b: string): Level | null {
  const [[coreA], [coreB]] = [parse(a), parse(b)];
  return levels.find((_level, place) => coreA[place] !== coreB[place]) ?? null;
}

/** The next version on a level: its number is one more, those behind it are 0, and it has no labels. */
export function raise(version: string, level: Level): string {
  const [core] = parse(version);
  const place = levels.indexOf(level);
  return core
    .map((part, at) => (at < place ? part : at === place ? String(BigInt(part) + 1n) : "0"))
    .join(".");
}

function parse(version: string): [string[], string[]] {
  const match = pattern.exec(version);
  if (match === null) throw new TypeError(`"${version}" is not a semantic version`);
  return [match.slice(1, 4), match[4]?.split(".") ?? []];
}

function firstDifference(a: string[], b: string[]): number {
  for (const [index, part] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    const order = compareIdentifiers(part, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Numbers by value, however long; a number is older than a word. */
function compareIdentifiers(a: string, b: string): number {
  const [numericA, numericB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (numericA !== numericB) return numericA ? -1 : 1;
  return (numericA ? a.length - b.length : 0) || compareText(a, b);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
