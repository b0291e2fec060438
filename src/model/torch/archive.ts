// PyTorch's zip archives: what each member is, by its place. What has no known place may be compiled code.
import { quote } from "../reading.ts";
import { Unreadable } from "../unreadable.ts";
import { openZip, type Zip } from "../zip.ts";
import type { ByteSource } from "../bytes.ts";

/** What a member is read as; `bytes` are tensors and marks that nothing interprets. */
type Part = "pickle" | "code" | "program" | "nested" | "bytes" | "unknown";

/** An archive with every member told apart. */
export interface Archive extends Pick<Zip, "read" | "open"> {
  kind: "script" | "program" | "weights";
  /** Names of the members that are read so. */
  of(part: Part): string[];
}

/** Marks that torch writes beside the rest. */
const marks =
  /^(version|byteorder|archive_format|archive_version|\.format_version|\.storage_alignment|\.data\/(version|serialization_id)|extra\/.*)$/;

const places: Record<Archive["kind"], readonly (readonly [RegExp, Part])[]> = {
  script: [
    [/^(data|constants)\.pkl$/, "pickle"],
    [/^code\/.*\.py$/, "code"],
    [/^code\/.*\.debug_pkl$/, "pickle"],
    [/^traced_inputs\.pkl$/, "pickle"],
    [/^(data|constants|traced_inputs)\/\w+$/, "bytes"],
  ],
  program: [
    [/^models\/[^/]+\.json$/, "program"],
    [/^serialized_exported_program\.json$/, "program"],
    [/^data\/(weights|constants)\/(weight|tensor)_\d+$/, "bytes"],
    [/^data\/(weights|constants)\/[^/]+_config\.json$/, "bytes"],
    [/^data\/sample_inputs\/[^/]+\.pt$/, "nested"],
    [/^serialized_(state_dict|constants|example_inputs)\.(pt|json)$/, "nested"],
    [/^module_info\/[^/]+$/, "bytes"],
  ],
  weights: [
    [/^data\.pkl$/, "pickle"],
    [/^data\/\w+$/, "bytes"],
  ],
};

/**
 * Opens an archive of PyTorch's.
 * @throws Unreadable when it is no such archive.
 */
export function openArchive(source: ByteSource): Archive {
  const zip = openZip(source);
  const [first = ""] = zip.names;
  // Readers take the folder of the first member for the archive's own; others would not be seen by all.
  const folder = first.slice(0, first.indexOf("/") + 1);
  const stranger = zip.names.find((name) => folder === "" || !name.startsWith(folder));
  if (stranger !== undefined)
    throw new Unreadable(0, `its member ${quote(stranger)} lies outside its folder`);
  const inner = new Map(zip.names.map((name) => [name, name.slice(folder.length)]));
  const kind = kindOf(new Set(inner.values()));
  const parts = new Map<string, Part>();
  for (const [name, place] of inner)
    parts.set(
      name,
      partOf(kind, place, () => zip.sizeOf(name)),
    );
  return {
    kind,
    of: (part) => [...parts].filter(([, found]) => found === part).map(([name]) => name),
    read: (name, limit) => zip.read(name, limit),
    open: (name, limit) => zip.open(name, limit),
  };
}

function kindOf(names: ReadonlySet<string>): Archive["kind"] {
  const program = names.has("archive_format") || names.has("serialized_exported_program.json");
  const script = names.has("constants.pkl") || [...names].some((name) => name.startsWith("code/"));
  if (program && (script || names.has("data.pkl")))
    throw new Unreadable(0, "it is two kinds of PyTorch file at once");
  if (program) return "program";
  if (!names.has("data.pkl")) throw new Unreadable(0, "it has no data.pkl, as PyTorch's archives have");
  return script ? "script" : "weights";
}

function partOf(kind: Archive["kind"], place: string, sizeOf: () => number): Part {
  if (marks.test(place)) return "bytes";
  const known = places[kind].find(([pattern]) => pattern.test(place));
  if (known === undefined) return "unknown";
  // An old program without constants has an empty member for them.
  return known[1] === "nested" && sizeOf() === 0 ? "bytes" : known[1];
}
