// What the store holds that nobody needs, and what became of it.
import type { GcDocument, Heap } from "../commands/gc.ts";
import { showBytes, showCount } from "../validation/show.ts";
import type { Render } from "./screen.ts";
import { table, wrap } from "./table.ts";

/** One line per kind, or off a terminal per object; then what stays, and what to do next. */
export const renderGc: Render<GcDocument> = (document, screen) => {
  const { objects, garbage, unfinished, kept, deleted } = document;
  if (!screen.terminal)
    return objects.map(({ kind, key, size, at }) => `${kind}\t${key}\t${size ?? ""}\t${at}\n`).join("");
  const say = (text: string) => `${wrap(text, screen.width)}\n`;
  const stays = `${showHeap(kept)} of ${showCount(kept.releases)} releases and younger than the grace stay`;
  if (objects.length === 0) return say(`no garbage in ${document.store}: ${stays}`);
  const rows = (
    [
      ["blobs that no version needs", garbage.blob],
      ["releases without a version", garbage.release],
      ["notes of work that is over", garbage.note],
      ["unfinished uploads", { objects: unfinished, bytes: null }],
    ] as const
  )
    .filter(([, heap]) => heap.objects > 0)
    .map(([what, heap]) => [what, showCount(heap.objects), heap.bytes === null ? "" : showBytes(heap.bytes)]);
  const oldest = objects.map(({ at }) => at).toSorted()[0] ?? "";
  const youngest =
    objects
      .map(({ at }) => at)
      .toSorted()
      .at(-1) ?? "";
  const title = deleted ? "removed" : "garbage";
  return [
    table([title, "objects", "bytes"], rows, screen),
    say(`from ${oldest.slice(0, 10)} to ${youngest.slice(0, 10)}`),
    say(stays),
    document.locked.objects > 0
      ? say(`${showHeap(document.locked)} are locked: they go when their lock has ended`)
      : "",
    document.left.objects > 0
      ? say(`${showHeap(document.left)} came to be needed, or there was no time: run it again`)
      : "",
    deleted ? "" : `${screen.style("dim", "next:")} mlship gc --delete\n`,
  ].join("");
};

function showHeap({ objects, bytes }: Heap): string {
  return `${showCount(objects)} ${objects === 1 ? "object" : "objects"} (${showBytes(bytes)})`;
}
