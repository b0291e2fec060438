// The pins in a text of requirements with hashes, as `pinsText` writes them, and what differs between two such texts.
import { normaliseName } from "./drift.ts";

/** One distribution that is pinned otherwise. */
export interface PinChange {
  /** Normalised name. */
  name: string;
  /** Version, with its hashes where they are all that differs; null when it is new. */
  from: string | null;
  /** Null when it is gone. */
  to: string | null;
}

/** What differs between two texts for one platform, by name. */
export function pinChanges(before: string, after: string): PinChange[] {
  const [was, is] = [readPins(before), readPins(after)];
  return [...new Set([...was.keys(), ...is.keys()])].toSorted().flatMap((name) => {
    const [old, now] = [was.get(name), is.get(name)];
    if (old?.version === now?.version && old?.files === now?.files) return [];
    const isRebuilt = old?.version === now?.version;
    const tell = (pin: Pinned | undefined) =>
      pin === undefined ? null : `${pin.version}${isRebuilt ? ` (${pin.files.slice(0, 12)})` : ""}`;
    return [{ name, from: tell(old), to: tell(now) }];
  });
}

interface Pinned {
  version: string;
  /** Hashes of its files, sorted. */
  files: string;
}

function readPins(text: string): Map<string, Pinned> {
  const lines = text.replaceAll("\\\n", " ").split("\n");
  return new Map(
    lines.flatMap((line): [string, Pinned][] => {
      const [, name, version] = /^([A-Za-z0-9][\w.-]*)\s*==\s*([^\s;]+)/.exec(line) ?? [];
      if (name === undefined || version === undefined) return [];
      const files = [...line.matchAll(/--hash=sha256:([0-9a-f]+)/g)].map(([, hash = ""]) => hash).toSorted();
      return [[normaliseName(name), { version, files: files.join() }]];
    }),
  );
}
