// Makes a lock from what is asked for, keeping what the lock before it says where that still fits.
import { MlshipError } from "../../errors.ts";
import { resolveBase } from "./base.ts";
import { driftOf, inputsOf, type Asked } from "./drift.ts";
import type { Resolver } from "./ports.ts";
import { keepGivenHashes, withoutHashes } from "./requirements.ts";
import type { Lock, Pin } from "./lock.ts";
import type { Registry } from "../ports.ts";
import { formatReference, parseReference } from "../oci/reference.ts";

/** What is pinned anew although it could be kept. */
export interface Upgrade {
  /** Everything: the lock is made as if there were none before. */
  all: boolean;
  base: boolean;
  /** Normalised names of distributions. */
  names: string[];
}

export const nothingUpgraded: Upgrade = { all: false, base: false, names: [] };

/** What a lock is made of. */
export interface LockRequest {
  asked: Asked;
  /** The lock that is there now. */
  previous: Lock | null;
  upgrade: Upgrade;
  resolver: Resolver;
  /** Opened when the base has to be resolved. */
  registry: () => Promise<Registry>;
}

/**
 * The lock for what is asked. Where nothing has drifted and nothing is upgraded it is the previous one.
 * @throws MlshipError `lock.unknown-package`, exit 2, and what resolving throws.
 */
export async function makeLock(request: LockRequest): Promise<Lock> {
  const { asked, resolver, upgrade } = request;
  const previous = upgrade.all ? null : request.previous;
  const server = await resolver.server();
  if (previous !== null && !upgrade.base && upgrade.names.length === 0) {
    if (driftOf(previous, inputsOf(asked, previous.python, server.digest)).length === 0) return previous;
  }
  checkNames(upgrade.names, previous);
  const { python, packages } = await resolveFirst(request, previous, server.requirements);
  const inputs = inputsOf(asked, python, server.digest);
  return {
    schema: "mlship.lock/v1",
    inputs,
    builder: resolver.builder,
    python,
    base: await baseOf(inputs, python, upgrade.base ? null : previous, request.registry),
    packages,
  };
}

/** Pins for the first version of Python for which there are some; the error of the first when there is none. */
async function resolveFirst(
  { asked, resolver, upgrade }: LockRequest,
  previous: Lock | null,
  serverLines: readonly string[],
): Promise<Pick<Lock, "python" | "packages">> {
  let first: MlshipError | undefined;
  for (const python of await versionsOf(asked, previous, resolver)) {
    const packages: Lock["packages"] = {};
    try {
      for (const platform of asked.platforms) {
        const pins = await resolver.resolve({
          requirements: [...asked.requirements.map(withoutHashes), ...serverLines],
          python,
          platform,
          allowSource: asked.allowSource,
          preferred: preferredOf(previous, platform).filter(({ name }) => !upgrade.names.includes(name)),
        });
        packages[platform] = keepGivenHashes(pins, asked.requirements, platform);
      }
      return { python, packages };
    } catch (error) {
      if (!(error instanceof MlshipError) || !unsatisfied.has(error.code)) throw error;
      first ??= error;
    }
  }
  throw first ?? new Error("there was no Python to lock for");
}

/** Errors that another version of Python may not have. */
const unsatisfied = new Set(["lock.no-wheel", "python.unsatisfiable"]);

async function versionsOf(
  { python }: Asked,
  previous: Lock | null,
  resolver: Resolver,
): Promise<readonly string[]> {
  if (python !== "auto") return [python];
  return previous?.inputs.python === "auto" ? [previous.python] : await resolver.pythons();
}

/** The versions of the same platform, or of any other when the platform is new. */
function preferredOf(previous: Lock | null, platform: keyof Lock["packages"]): Pin[] {
  if (previous === null) return [];
  return previous.packages[platform] ?? Object.values(previous.packages)[0] ?? [];
}

async function baseOf(
  { base: name, platforms }: Lock["inputs"],
  python: string,
  previous: Lock | null,
  registry: () => Promise<Registry>,
): Promise<Lock["base"]> {
  const kept = previous?.base;
  const { digest, ...reference } = parseReference(name);
  if (
    kept?.reference === formatReference({ ...reference, digest: null }) &&
    (digest === null || digest === kept.digest) &&
    previous?.python === python &&
    platforms.every((platform) => kept.platforms[platform])
  ) {
    const wanted = platforms.map((platform) => [platform, kept.platforms[platform]]);
    return { ...kept, platforms: Object.fromEntries(wanted) };
  }
  // A base that is only asked for one platform more stays the same image.
  const samePlace = kept?.reference === formatReference({ ...reference, digest: null }) && digest === null;
  return await resolveBase(samePlace ? `${name}@${kept.digest}` : name, platforms, python, await registry());
}

function checkNames(names: readonly string[], previous: Lock | null): void {
  const known = new Set(
    Object.values(previous?.packages ?? {}).flatMap((pins) => pins.map(({ name }) => name)),
  );
  const unknown = previous === null ? [] : names.filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw new MlshipError({
    code: "lock.unknown-package",
    what: `mlship.lock holds no ${unknown.join(" and no ")}`,
    fix: "name a package of the lock, or base",
    exit: "usage",
  });
}
