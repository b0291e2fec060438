// The package as npm reads it: a lock file that every machine accepts, and nothing that names a registry's host.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface Locked {
  optionalDependencies?: Record<string, string>;
  resolved?: string;
}

const { packages }: { packages: Record<string, Locked> } = JSON.parse(
  readFileSync("package-lock.json", "utf8"),
);

test("the lock file has every optional package, of every platform", () => {
  const names = new Set(Object.keys(packages).map((place) => place.replace(/^.*node_modules\//, "")));
  const missing = Object.entries(packages).flatMap(([place, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !names.has(name))
      .map((name) => `${place} → ${name}`),
  );
  expect(missing).toEqual([]);
});

test("the lock file names no host", () => {
  expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
});
