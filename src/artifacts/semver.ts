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
