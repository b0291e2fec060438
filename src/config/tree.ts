// Plain nested values: paths into them, and laying one over another.

/** Steps from the top of a document to a value: `["serve", "port"]`. */
export type Path = readonly (string | number)[];

export type Mapping = Record<string, unknown>;

/** Whether a value is a mapping of keys, as YAML and JSON know it. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A path as people write it: `serve.port`, `deploy.canary.steps[2]`. Odd keys are quoted and cut. */
export function showPath(path: Path): string {
  return path.reduce<string>(
    (text, step) =>
      typeof step === "number" ? `${text}[${step}]` : `${text}${text && "."}${showStep(step)}`,
    "",
  );
}

function showStep(step: string): string {
  return /^[\w-]{1,80}$/.test(step)
    ? step
    : JSON.stringify(step.length > 80 ? `${step.slice(0, 79)}…` : step);
}

/** Whether `path` is `above` or lies below it. */
export function isWithin(path: Path, above: Path): boolean {
  return above.every((step, index) => path[index] === step);
}

/** The value at a path; undefined where there is none. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, step) => {
    if (Array.isArray(inner)) return inner[Number(step)];
    return isMapping(inner) && Object.hasOwn(inner, step) ? inner[step] : undefined;
  }, value);
}

/** A mapping that holds one value at a path. */
export function nest([key, ...below]: readonly string[], value: unknown): unknown {
  return key === undefined ? value : Object.fromEntries([[key, nest(below, value)]]);
}

/** Lays `over` onto `under`: mappings key by key, anything else replaces what was there. */
export function lay(under: unknown, over: unknown): unknown {
  if (!isMapping(under) || !isMapping(over)) return over === undefined ? under : over;
  const keys = new Set([...Object.keys(under), ...Object.keys(over)]);
  const entries = [...keys].map((key) => [key, lay(valueAt(under, [key]), valueAt(over, [key]))]);
  return Object.fromEntries(entries);
}

/** Paths of all values that are not mappings, in order; lists count as one value. */
export function valuePaths(value: unknown, path: string[] = []): string[][] {
  if (!isMapping(value)) return value === undefined ? [] : [path];
  return Object.entries(value).flatMap(([key, below]) => valuePaths(below, [...path, key]));
}
