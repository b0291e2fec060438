// Libraries of other versions than the model was saved with.
import type { Finding } from "../sanity.ts";

/**
 * Compares versions. A library older than the one that saved the model fails: nobody promises that it
 * reads what a later one wrote. So does another minor version of scikit-learn, whose saved estimators
 * "may break or produce invalid results" elsewhere (its InconsistentVersionWarning). Newer ones warn.
 * @param saved distribution name → version that the model was saved with, null where it does not say.
 * @param found distribution name → version in the environment that scored.
 */
export function inspectLibraries(
  saved: Readonly<Record<string, string | null>>,
  found: Readonly<Record<string, string>>,
): Finding[] {
  return Object.keys(saved)
    .toSorted()
    .flatMap((name) => {
      const [was, is] = [saved[name], found[name]];
      if (!was || is === undefined || is === was) return [];
      const [before, now] = [numbersOf(was), numbersOf(is)];
      const order = compareNumbers(now, before);
      if (order === 0) return [];
      const minor = compareNumbers(now.slice(0, 2), before.slice(0, 2));
      const severity = order < 0 || (name === "scikit-learn" && minor !== 0) ? "fail" : "warn";
      return [
        {
          code: "libraries.skew",
          severity,
          what: `the model was saved with ${name} ${was}, and ran with ${is}`,
          fix: `pin ${name}==${was} in python.requirements, or save the model again with ${is}`,
        } as const,
      ];
    });
}

/** The numbers of a version's release: 1.7.2 of `1.7.2.post1+cpu`. */
function numbersOf(version: string): number[] {
  return (/^\d+(\.\d+)*/.exec(version)?.[0] ?? "").split(".").map(Number);
}

function compareNumbers(a: readonly number[], b: readonly number[]): number {
  for (let place = 0; place < Math.max(a.length, b.length); place++) {
    const difference = (a[place] ?? 0) - (b[place] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
