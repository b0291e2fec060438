// What differs between two locks, pin by pin.
import { platforms as allPlatforms, type Platform } from "../../config/image-keys.ts";
import type { Lock, Pin } from "./lock.ts";

/** One thing that is pinned otherwise. */
export interface LockChange {
  /** Name of a distribution, or `base`, `python`, `uv`, `model`, `server`. */
  subject: string;
  /** Where it changed; null when it has nothing to do with platforms. */
  platforms: Platform[] | null;
  /** Null when it is new. */
  from: string | null;
  /** Null when it is gone. */
  to: string | null;
}

/** Every change from one lock to the other: what is pinned once first, then distributions by name. */
export function changesOf(before: Lock, after: Lock): LockChange[] {
  const once: [subject: string, from: string, to: string][] = [
    ["python", before.python, after.python],
    ["base", baseOf(before, after), baseOf(after, before)],
    ["uv", before.builder.uv.version, after.builder.uv.version],
    ["model", before.inputs.model, after.inputs.model],
    ["server", before.inputs.server, after.inputs.server],
  ];
  const single = once.flatMap(([subject, from, to]) =>
    from === to ? [] : [{ subject, platforms: null, from, to }],
  );
  const found = new Map<string, LockChange & { platforms: Platform[] }>();
  for (const platform of allPlatforms) {
    const [was, is] = [pinsOf(before, platform), pinsOf(after, platform)];
    for (const subject of new Set([...was.keys(), ...is.keys()])) {
      const [old, now] = [was.get(subject), is.get(subject)];
      const [from, to] = [tell(old, now), tell(now, old)];
      if (from === to) continue;
      // The same change on two platforms is one.
      const key = JSON.stringify([subject, from, to]);
      const known = found.get(key) ?? { subject, platforms: [], from, to };
      known.platforms.push(platform);
      found.set(key, known);
    }
  }
  return [...single, ...[...found.values()].toSorted((a, b) => (a.subject < b.subject ? -1 : 1))];
}

/** The digest; with the name when that changed as well. */
function baseOf({ base }: Lock, other: Lock): string {
  return base.reference === other.base.reference ? base.digest : `${base.reference}@${base.digest}`;
}

/** The pins of a platform by name. */
function pinsOf({ packages }: Lock, platform: Platform): Map<string, Pin> {
  return new Map((packages[platform] ?? []).map((pin) => [pin.name, pin]));
}

/** The version; with what its files are when that is all in which two pins differ. */
function tell(pin: Pin | undefined, other: Pin | undefined): string | null {
  if (pin === undefined) return null;
  return pin.version === other?.version ? `${pin.version} (${filesOf(pin)})` : pin.version;
}

function filesOf({ sha256, source }: Pin): string {
  return `${source ? "source " : ""}${sha256.map((hash) => hash.slice(0, 12)).join(", ")}`;
}
