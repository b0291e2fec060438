// Looks into files and byte strings that no reader of a format took: what would loading them reach?
import { windowOf, type ByteSource } from "./bytes.ts";
import { compressionOf, decompress } from "./decompress.ts";
import { isNpy, pickleInNpy } from "./npy.ts";
import { estimators, type AllowList } from "./pickle/allow-list.ts";
import { Ledger, mostFindings, type Budget } from "./pickle/ledger.ts";
import { walkStream } from "./pickle/stream.ts";
import { torchData } from "./pickle/torch.ts";
import { MlshipError } from "../errors.ts";
import { Unreadable } from "./unreadable.ts";
import { openZip } from "./zip.ts";
import type { PyBytes } from "./pickle/values.ts";
import type { Finding } from "./reading.ts";

/** Where something lies, and what may be spent on it. */
export interface Place {
  /** Path inside the model; `!` leads into an archive. */
  path: string;
  trust: readonly string[];
  budget: Budget;
  /** Archives and pickles around it. */
  depth: number;
}

/** What something is, in words, and everything that stands against loading it. */
export interface Content {
  kind: string;
  findings: Finding[];
}

const deepest = 4;

/** Nobody says who will load such a pickle: what any framework's loader may reach is allowed. */
const known: AllowList = {
  dialect: estimators.dialect,
  permissionOf: (module, name) =>
    estimators.permissionOf(module, name) ?? torchData.permissionOf(module, name),
  callOf: (name) => estimators.callOf(name) ?? torchData.callOf(name),
  persistent: (id) => torchData.persistent(id),
};

/** Archives that nothing here opens, by what they begin with in latin-1; a tar is told further inside. */
const closed: readonly (readonly [string, string])[] = [
  ["7z\xBC\xAF", "a 7z archive"],
  ["Rar!", "a RAR archive"],
  ["\x28\xB5\x2F\xFD", "a file compressed with zstd"],
];

/** What a file is and could do; null when it is nothing that Python's loaders would run code for. */
export function judgeContent(source: ByteSource, place: Place): Content | null {
  const head = source.read(0, Math.min(source.size, 512));
  const text = head.toString("latin1");
  if (place.depth > deepest) return refused("an archive", place, "it lies too deep inside other archives");
  if (isPickleHead(head)) return pickle(source, place);
  if (isNpy(head)) return array(source, place);
  if (text.startsWith("PK")) return archive(source, place);
  const compression = compressionOf(head);
  if (compression !== null) return packed(source, compression, place);
  const shut = closed.find(([beginning]) => text.startsWith(beginning));
  const isTar = text.slice(257, 262) === "ustar";
  if (shut !== undefined || isTar)
    return refused(shut?.[1] ?? "a tar archive", place, "nothing here looks into it");
  return null;
}

/**
 * What stands against byte strings of a pickle that begin like something that can be loaded. Numbers
 * may begin so by chance: only an import that is not allowed counts, wherever damage sets in.
 */
export function judgeHeld(held: readonly PyBytes[], outer: Place): Finding[] {
  return held.flatMap(({ source, offset, length }) => {
    const place = { ...outer, path: `${outer.path}!bytes@${offset}`, depth: outer.depth + 1 };
    const findings = judgeContent(windowOf(source, offset, length), place)?.findings ?? [];
    // So many that some were left out are no chance.
    return findings.length < mostFindings ? findings.filter(({ rule }) => certain.has(rule)) : findings;
  });
}

/** Rules that nothing breaks by chance. */
const certain = new Set(["unknown-global", "bomb", "archive"]);

function isPickleHead(head: Buffer): boolean {
  const [first, protocol = 0] = head;
  if (first === 0x80) return protocol >= 2 && protocol <= 5;
  return /^[c(][ci]?[A-Za-z_][\w.]*\r?\n[A-Za-z_][\w.]*\r?\n[(.)qpX\]}]/.test(head.toString("latin1"));
}

function pickle(source: ByteSource, place: Place): Content {
  const ledger = new Ledger(place.path, place.trust, place.budget);
  walkStream(source, known, ledger);
  return { kind: "a pickle", findings: [...ledger.findings, ...judgeHeld(ledger.holds, place)] };
}

function array(source: ByteSource, place: Place): Content {
  return guarded("a numpy array", "damaged", place, () => {
    const objects = pickleInNpy(source);
    if (objects === null) return { kind: "a numpy array", findings: [] };
    const { findings } = pickle(objects, place);
    return { kind: "a numpy array of objects, which is a pickle", findings };
  });
}

function archive(source: ByteSource, place: Place): Content {
  const kind = "a zip archive";
  return guarded(kind, "archive", place, () => {
    const zip = openZip(source);
    const findings = zip.names.flatMap((name) => {
      const path = `${place.path}!${name}`;
      const size = zip.sizeOf(name);
      const inside = zip.open(name, place.budget.room);
      place.budget.unpack(size);
      return judgeContent(inside, { ...place, path, depth: place.depth + 1 })?.findings ?? [];
    });
    return { kind, findings };
  });
}

function packed(
  source: ByteSource,
  compression: NonNullable<ReturnType<typeof compressionOf>>,
  place: Place,
): Content | null {
  const kind = `a file compressed with ${compression}`;
  try {
    const inside = decompress(source, compression, place.path, Math.max(place.budget.room, 1));
    place.budget.unpack(inside.size);
    const content = judgeContent(inside, { ...place, depth: place.depth + 1 });
    return content === null ? null : { kind: `${kind}: ${content.kind}`, findings: content.findings };
  } catch (error) {
    if (error instanceof Unreadable) return refused(kind, place, error.message, "damaged");
    if (!(error instanceof MlshipError)) throw error;
    place.budget.unpack(place.budget.room);
    return refused(kind, place, error.what);
  }
}

/** Damage of an archive is where proof ends. */
function guarded(kind: string, rule: string, place: Place, judge: () => Content): Content {
  try {
    return judge();
  } catch (error) {
    if (error instanceof Unreadable) return refused(kind, place, error.message, rule);
    throw error;
  }
}

function refused(kind: string, { path }: Place, message: string, rule = "archive"): Content {
  return {
    kind,
    findings: [{ file: path, offset: null, global: null, rule, message: `${kind}: ${message}` }],
  };
}
