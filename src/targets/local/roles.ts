// Which revision is stable, canary or previous, and how a request of a driver changes that. Pure.
import { MlshipError } from "../../errors.ts";
import type { Desired, LaunchSpec } from "./documents.ts";

/** Nothing runs and nobody has driven yet. */
export const nothing: Desired = {
  schema: "mlship.gateway/v1",
  epoch: 0,
  stable: null,
  canary: null,
  previous: null,
  specs: [],
};

/**
 * Admits a driver: its lock epoch becomes the oldest that may write.
 * @throws MlshipError `rollout.lock-lost`, exit 7, when a later holder has written already.
 */
export function admit(state: Desired, epoch: number): Desired {
  if (epoch < state.epoch) {
    throw new MlshipError({
      code: "rollout.lock-lost",
      what: "another process has taken over this rollout",
      why: `this one holds lock epoch ${epoch}, the gateway has seen ${state.epoch}`,
      fix: "see `mlship status`, then run the command again",
      exit: "attention",
    });
  }
  return epoch === state.epoch ? state : { ...state, epoch };
}

/** Adds a revision, as canary unless it has a role already. The canary before it loses its place. */
export function withStarted(state: Desired, spec: LaunchSpec): Desired {
  const { id } = spec.revision;
  if (id === state.stable) return state;
  const canary = id === state.previous ? state.canary : id;
  return kept({ ...state, canary, specs: [...state.specs.filter((old) => old.revision.id !== id), spec] });
}

/**
 * Makes a started revision the canary, so that it may get a share.
 * @throws MlshipError `rollout.not-started` or, for the stable one, `rollout.canary-is-stable`.
 */
export function withCanary(state: Desired, id: string): Desired {
  mustHave(state, id);
  if (id === state.stable) {
    throw new MlshipError({
      code: "rollout.canary-is-stable",
      what: `revision ${id} is the stable one and cannot be its own canary`,
      exit: "attention",
      fix: "see `mlship status`",
    });
  }
  if (id === state.canary) return state;
  return kept({ ...state, canary: id, previous: id === state.previous ? null : state.previous });
}

/** Makes a revision stable; the stable one before becomes `previous`. Repeating it changes nothing. */
export function withPromoted(state: Desired, id: string): Desired {
  mustHave(state, id);
  if (id === state.stable) return state;
  return kept({
    ...state,
    stable: id,
    canary: id === state.canary ? null : state.canary,
    previous: state.stable,
  });
}

/**
 * Takes a revision away.
 * @throws MlshipError `rollout.retire-stable`, exit 7, for the stable one: users would get nothing.
 */
export function withRetired(state: Desired, id: string): Desired {
  if (id === state.stable) {
    throw new MlshipError({
      code: "rollout.retire-stable",
      what: `revision ${id} is the stable one and cannot be retired`,
      why: "its users would get no answers",
      fix: "promote another revision first",
      exit: "attention",
    });
  }
  return kept({
    ...state,
    canary: id === state.canary ? null : state.canary,
    previous: id === state.previous ? null : state.previous,
  });
}

/** What a gateway starts with after a crash: never the canary, since nobody watches it. */
export function withoutCanary(state: Desired): Desired {
  return kept({ ...state, canary: null });
}

// A revision without a role has no reason to run.
function kept(state: Desired): Desired {
  const roles = new Set([state.stable, state.canary, state.previous]);
  return { ...state, specs: state.specs.filter((spec) => roles.has(spec.revision.id)) };
}

function mustHave(state: Desired, id: string): void {
  if (state.specs.some((spec) => spec.revision.id === id)) return;
  throw new MlshipError({
    code: "rollout.not-started",
    what: `revision ${id} does not run on this machine`,
    why: "it was never started here, or it has been retired",
    fix: "run `mlship deploy` for that version",
    exit: "attention",
  });
}
