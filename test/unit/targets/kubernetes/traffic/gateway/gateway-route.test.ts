// HTTPRoutes that are lent to a rollout: exact weights, and exactly the original afterwards.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MlshipError } from "../../../../../../src/errors.ts";
import {
  borrowedAnnotation,
  forgetting,
  giveBack,
  isLent,
  leadsTo,
  lend,
  shareOf,
} from "../../../../../../src/targets/kubernetes/traffic/gateway/gateway-route.ts";
import { standingOf } from "../../../../../../src/targets/kubernetes/traffic/gateway/gateway-status.ts";
import type { KubeObject } from "../../../../../../src/targets/kubernetes/ports.ts";
import { mergePatch } from "../../fake-fields.ts";

const backends = { users: "fraud", stable: "fraud-stable", canary: "fraud-canary" };
const service = (name: string, rest: object = {}) => ({
  group: "",
  kind: "Service",
  name,
  port: 80,
  ...rest,
});

interface Rule {
  backendRefs?: { name: string; weight?: number }[];
  [key: string]: unknown;
}

function routeOf(rules: Rule[], rest: object = {}): KubeObject {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: {
      name: "web",
      namespace: "models",
      generation: 1,
      annotations: { team: "risk" },
      managedFields: [
        { manager: "flux", operation: "Apply" },
        { manager: "gate", subresource: "status" },
      ],
    },
    spec: { parentRefs: [{ name: "gate" }], rules, ...rest },
  };
}

const weights = (route: KubeObject): (number | string)[][][] =>
  (route["spec"] as { rules: Rule[] }).rules.map((rule) =>
    (rule.backendRefs ?? []).map(({ name, weight }) => [name, weight ?? "none"]),
  );

const plain = routeOf([
  { matches: [{ path: { value: "/predict" } }], backendRefs: [service("fraud", { weight: 1 })] },
]);

describe("lending", () => {
  it("makes two of one, with weights that a person can read", () => {
    const percent = (share: number) => weights(lend(plain, backends, share));
    expect(percent(0)).toEqual([
      [
        ["fraud-stable", 100],
        ["fraud-canary", 0],
      ],
    ]);
    expect(percent(0.05)).toEqual([
      [
        ["fraud-stable", 95],
        ["fraud-canary", 5],
      ],
    ]);
    expect(percent(0.125)).toEqual([
      [
        ["fraud-stable", 875],
        ["fraud-canary", 125],
      ],
    ]);
    expect(percent(0.0001)).toEqual([
      [
        ["fraud-stable", 9999],
        ["fraud-canary", 1],
      ],
    ]);
  });

  it("keeps the proportion of other backends, and rules without the model", () => {
    const other = { backendRefs: [service("other")] };
    const route = routeOf([
      { backendRefs: [service("fraud", { weight: 9 }), service("legacy", { weight: 1 })] },
      other,
      {},
    ]);
    expect(weights(lend(route, backends, 0.1))).toEqual([
      [
        ["fraud-stable", 810],
        ["fraud-canary", 90],
        ["legacy", 100],
      ],
      [["other", "none"]],
      [],
    ]);
  });

  it("takes coarser weights where those of the route are large, and refuses what they cannot make", () => {
    const heavy = (weight: number) =>
      routeOf([{ backendRefs: [service("fraud", { weight }), service("legacy", { weight })] }]);
    expect(weights(lend(heavy(9000), backends, 0.05))[0]?.[0]).toEqual(["fraud-stable", 855_000]);
    for (const [weight, share] of [
      [9000, 0.001],
      [20_000, 0.5],
    ] as const) {
      expect(() => lend(heavy(weight), backends, share)).toThrow(MlshipError);
    }
  });

  it("does not take another kind or group of the same name for the model's Service", () => {
    const foreign = routeOf([
      { backendRefs: [{ group: "example.org", kind: "Pool", name: "fraud" } as never] },
    ]);
    expect(leadsTo(foreign, backends)).toBe(false);
    expect(leadsTo(plain, backends)).toBe(true);
  });
});

const someWeight = fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined });
const someBackend = fc
  .tuple(fc.constantFrom("fraud", "legacy", "other"), someWeight)
  .map(([name, weight]) => service(name, weight === undefined ? {} : { weight }));
const someRule = fc.record({
  matches: fc.array(fc.record({ path: fc.record({ value: fc.string() }) }), { maxLength: 2 }),
  backendRefs: fc.array(someBackend, { maxLength: 3 }),
});
const someRoute = fc.array(someRule, { minLength: 1, maxLength: 4 }).map((rules) => routeOf(rules));
const someShares = fc.array(
  fc.integer({ min: 0, max: 99 }).map((percent) => percent / 100),
  {
    minLength: 1,
    maxLength: 5,
  },
);

describe("giving back", () => {
  it("gives exactly what was lent, whatever the shares in between", () => {
    fc.assert(
      fc.property(someRoute, someShares, (route, shares) => {
        const lent = shares.reduce((now, share) => lend(now, backends, share), route);
        expect(isLent(lent)).toBe(true);
        const back = giveBack(lent, backends);
        expect(mergePatch(back, forgetting(back, "mlship.dev/epoch"))).toEqual(route);
      }),
    );
  });

  it("knows the share that it set, and that a route that was given back has none", () => {
    fc.assert(
      fc.property(someRoute, someShares, (route, shares) => {
        const lent = shares.reduce((now, share) => lend(now, backends, share), route);
        expect(shareOf(lent, backends)).toBeLessThanOrEqual((shares.at(-1) ?? 0) + 1e-9);
        expect(shareOf(giveBack(lent, backends), backends)).toBe(0);
        const alone = lend(plain, backends, shares.at(-1) ?? 0);
        expect(shareOf(alone, backends)).toBeCloseTo(shares.at(-1) ?? 0, 9);
      }),
    );
  });

  it("leaves what somebody else changed meanwhile, also a rule put before", () => {
    const lent = lend(plain, backends, 0.5);
    const spec = lent["spec"] as { rules: Rule[] };
    const own = { backendRefs: [service("other", { weight: 1 })] };
    const changed = { ...lent, spec: { ...spec, hostnames: ["new.example"], rules: [own, ...spec.rules] } };
    expect(giveBack(changed, backends)["spec"]).toEqual({
      ...(plain["spec"] as object),
      hostnames: ["new.example"],
      rules: [own, ...(plain["spec"] as { rules: Rule[] }).rules],
    });
  });

  it("sends a rule that somebody made of the lent backends to the users' Service", () => {
    const lent = lend(plain, backends, 0.5);
    const copied = {
      backendRefs: [service("fraud-stable", { weight: 7, port: 81 }), service("fraud-canary")],
    };
    const spec = { ...(lent["spec"] as object), rules: [copied] };
    expect(weights(giveBack({ ...lent, spec }, backends))).toEqual([[["fraud", 7]]]);
  });

  it("says what to do when its memory of the original was damaged", () => {
    const lent = lend(plain, backends, 0.5);
    lent.metadata.annotations = { [borrowedAnnotation]: "{" };
    expect(() => giveBack(lent, backends)).toThrow(/cannot be read/);
  });
});

describe("the word of a Gateway", () => {
  const condition = (type: string, observedGeneration: number, status = "True") => ({
    type,
    status,
    observedGeneration,
    reason: "Because",
    message: "of this",
  });
  const ruled = (parents: object[], parentRefs: object[] = [{ name: "gate" }]) => ({
    ...routeOf([], { parentRefs }),
    status: { parents },
  });
  const both = (generation: number) => [
    condition("Accepted", generation),
    condition("ResolvedRefs", generation),
  ];
  const parentRef = {
    group: "gateway.networking.k8s.io",
    kind: "Gateway",
    name: "gate",
    namespace: "models",
  };

  it("counts when it is about the route as it is now", () => {
    expect(standingOf(ruled([{ parentRef, conditions: both(1) }]))).toEqual({ accepted: true, why: null });
    expect(standingOf(ruled([{ parentRef, conditions: both(0) }])).why).toMatch(/generation 0 of .* is at 1/);
  });

  it("is needed of every Gateway that the route names", () => {
    const parents = [{ parentRef, conditions: both(1) }];
    expect(standingOf(ruled(parents, [{ name: "gate" }, { name: "inner" }])).why).toMatch(/models\/inner/);
    expect(standingOf(ruled([])).accepted).toBe(false);
    expect(standingOf(ruled([], [])).why).toMatch(/names no Gateway/);
  });

  it("is told as it was given", () => {
    const conditions = [condition("Accepted", 1), condition("ResolvedRefs", 1, "False")];
    expect(standingOf(ruled([{ parentRef, conditions }])).why).toMatch(/ResolvedRefs: False Because of this/);
    expect(standingOf(ruled([{ parentRef, conditions: [] }])).why).toMatch(/does not say Accepted/);
  });
});
