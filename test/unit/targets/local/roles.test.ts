// Whatever drivers ask in whatever order: at most one stable, it is never lost, nothing runs without a role.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { MlshipError } from "../../../../src/errors.ts";
import type { Desired, LaunchSpec } from "../../../../src/targets/local/documents.ts";
import {
  admit,
  nothing,
  withCanary,
  withoutCanary,
  withPromoted,
  withRetired,
  withStarted,
} from "../../../../src/targets/local/roles.ts";

const spec = (id: string): LaunchSpec => ({
  revision: { id, version: id, release: `sha256:${id}` },
  bundleFolder: `/b/${id}`,
  python: "/p",
  replicas: 1,
  timeoutMs: 1,
});

const moves = {
  start: (state: Desired, id: string) => withStarted(state, spec(id)),
  canary: withCanary,
  promote: withPromoted,
  retire: withRetired,
  crash: withoutCanary,
};

const move = fc.record({
  kind: fc.constantFrom("start", "canary", "promote", "retire", "crash" as keyof typeof moves),
  id: fc.constantFrom("a", "b", "c"),
});

function play(state: Desired, { kind, id }: { kind: string; id: string }): Desired {
  try {
    return moves[kind as keyof typeof moves](state, id);
  } catch (error) {
    // Refused: nothing changes.
    if (error instanceof MlshipError) return state;
    throw error;
  }
}

test("stable is never lost, roles are distinct, and specs are exactly those with a role", () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 30 }), (played) => {
      let state = nothing;
      for (const each of played) {
        const next = play(state, each);
        expect(state.stable !== null && next.stable === null).toBe(false);
        const promoted = next.stable !== state.stable;
        expect(promoted && (each.kind !== "promote" || each.id !== next.stable)).toBe(false);
        expect(promoted && next.previous !== state.stable).toBe(false);
        const roles = [next.stable, next.canary, next.previous].filter((id) => id !== null);
        expect(new Set(roles).size).toBe(roles.length);
        expect(next.specs.map(({ revision }) => revision.id).sort()).toEqual(roles.toSorted());
        state = next;
      }
    }),
  );
});

test("each move may be repeated: the second time changes nothing", () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 20 }), move, (played, last) => {
      const once = play(played.reduce(play, nothing), last);
      expect(play(once, last)).toEqual(once);
    }),
  );
});

test("promoting previous brings it back, and what was stable becomes previous", () => {
  const a = withPromoted(withStarted(nothing, spec("a")), "a");
  const b = withPromoted(withStarted(a, spec("b")), "b");
  expect(b).toMatchObject({ stable: "b", previous: "a", canary: null });
  expect(withPromoted(b, "a")).toMatchObject({ stable: "a", previous: "b", canary: null });
  expect(() => withRetired(b, "b")).toThrow("is the stable one and cannot be retired");
  expect(() => withPromoted(b, "c")).toThrow("does not run on this machine");
});

test("an older epoch is refused, the same and a newer one are admitted", () => {
  const seen = admit(nothing, 5);
  expect(admit(seen, 5)).toBe(seen);
  expect(admit(seen, 6).epoch).toBe(6);
  expect(() => admit(seen, 4)).toThrow(
    expect.objectContaining({ code: "rollout.lock-lost", exit: "attention" }),
  );
});
