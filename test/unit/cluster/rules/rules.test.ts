// kube-linter, Polaris, Trivy and Kubescape find nothing: their rules, asked of the objects of every delivery.
import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { objectsOf } from "../../../../src/cluster/objects.ts";
import type { Served } from "../../../../src/cluster/served.ts";
import { deliveries, everything } from "../example.ts";
import { facts, type Fact, type FactName } from "./facts.ts";
import { exemptions, kubeLinter, kubescape, own, polaris, trivy } from "./lists.ts";
import { viewOf, type Thing } from "./view.ts";

const lists = { "kube-linter": kubeLinter, Polaris: polaris, Trivy: trivy, Kubescape: kubescape, own };
const releases: Record<string, Served> = { ...deliveries, everything };
const thingsOf = (release: Served): Thing[] => viewOf(objectsOf(release).map(({ object }) => object));
const factOf = (name: FactName): Fact => facts[name];
const asked = Object.entries(lists).flatMap(([tool, rules]) =>
  Object.entries(rules).map(([rule, names]) => ({ rule: `${tool} ${rule}`, names: [names].flat() })),
);

test.each(asked)("$rule", ({ names }) => {
  for (const [delivery, release] of Object.entries(releases)) {
    for (const name of names) {
      expect(factOf(name).holds(thingsOf(release)), `${name} of ${delivery}`).toBe(true);
    }
  }
});

describe("each check can fail", () => {
  it.each(Object.keys(facts) as FactName[])("%s", (name) => {
    for (const release of Object.values(releases)) {
      const things = thingsOf(release);
      factOf(name).breaks(things);
      expect(factOf(name).holds(things)).toBe(false);
    }
  });
});

it("asks for every fact in some rule", () => {
  expect(new Set(asked.flatMap(({ names }) => names))).toEqual(new Set(Object.keys(facts)));
});

it("documents every exemption, and no rule is both exempt and asked", () => {
  const page = readFileSync("docs/concepts/kubernetes-objects.md", "utf8");
  const documented = [...page.matchAll(/^\| ((?:Polaris|kube-linter|Trivy|Kubescape) \S+) \| (.+) \|$/gm)];
  expect(Object.fromEntries(documented.map(([, rule, reason]) => [rule, reason]))).toEqual(exemptions);
  const names = new Set(asked.map(({ rule }) => rule));
  expect(Object.keys(exemptions).filter((rule) => names.has(rule))).toEqual([]);
});
