// `mlship gc`: shows what the store holds that no version leads to, and removes it when told to.
import { findGarbage, type Garbage, type Garbages } from "../artifacts/garbage.ts";
import type { UnfinishedObject } from "../artifacts/ports.ts";
import { readStoreDocument } from "../artifacts/store-document.ts";
import { sweep, type Swept } from "../artifacts/sweep.ts";
import { parseDuration } from "../config/units.ts";
import { MlshipError } from "../errors.ts";
import { showBytes, showCount } from "../validation/show.ts";
import type { Host } from "./host.ts";
import { openProject } from "./project.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";
import { inStep } from "./step.ts";

/** Objects of one kind. */
export interface Heap {
  objects: number;
  bytes: number;
}

/** mlship.gc/v1 */
export interface GcDocument extends ResultDocument {
  schema: "mlship.gc/v1";
  store: string;
  /** False when it was only looked at. */
  deleted: boolean;
  graceMs: number;
  /** Versions of all models that lead to what stays, and the blobs and releases that stay. */
  kept: Heap & { releases: number };
  /** What is garbage, or what was removed, by kind. note: of a probe, an intent or a condemnation. */
  garbage: Record<Garbage["kind"], Heap>;
  /** Uploads that nobody finished. */
  unfinished: number;
  /** What is locked against removal, and what somebody came to need while others were removed. */
  locked: Heap;
  left: Heap;
  /** Each object behind `garbage`, and each unfinished upload. */
  objects: { kind: Garbage["kind"] | "unfinished"; key: string; size: number | null; at: string }[];
}

export interface GcOptions {
  delete: boolean;
  yes: boolean;
  /** A duration such as `7d`. */
  grace: string;
}

/**
 * Looks through the whole store of the project, also at other projects' models in it.
 * @throws MlshipError `gc.grace`, `gc.unconfirmed`, exit 2; `store.*`
 */
export async function gc(
  options: GcOptions,
  host: Host,
  selection: ProjectOptions,
): Promise<Result<GcDocument>> {
  const graceMs = parseDuration(options.grace);
  if (Number.isNaN(graceMs)) throw badGrace(options.grace);
  const { artifacts } = (await openProject(host, selection)).config;
  const [store, sweeper] = await Promise.all([host.store(artifacts), host.sweeper(artifacts)]);
  // A later mlship may keep things where this one sees garbage.
  await readStoreDocument(store);
  const found = await inStep(host, `look through ${store.location}`, async () => {
    const result = await findGarbage(store, sweeper, graceMs, host.signal);
    return { result, told: `${showHeap(heapOf(everything(result)))} of garbage` };
  });
  const isEmpty = everything(found).length + found.unfinished.length === 0;
  const base = { schema: "mlship.gc/v1", store: store.location, graceMs } as const;
  const kept = { ...found.kept, releases: found.marks.releases };
  if (!options.delete || isEmpty) {
    const nothing = { locked: heapOf([]), left: heapOf([]) };
    const looked = listed(everything(found), found.unfinished);
    return { document: { ...base, deleted: false, kept, ...looked, ...nothing }, exit: "done" };
  }
  if (!options.yes) await askFirst(host, found, store.location);
  const swept = await inStep(host, `remove from ${store.location}`, async (update) => {
    let done = 0;
    const all = showCount(everything(found).length + found.unfinished.length);
    const onDone = () => update(`${showCount((done += 1))} of ${all}`);
    const { clock, signal } = host;
    const result = await sweep({ store, sweeper, clock, signal, onDone }, found);
    return { result, told: showHeap(heapOf(result.removed)) };
  });
  return { document: { ...base, deleted: true, kept, ...outcome(swept) }, exit: "done" };
}

function outcome({ removed, abandoned, locked, left }: Swept) {
  return { ...listed(removed, abandoned), locked: heapOf(locked), left: heapOf(left) };
}

function listed(garbage: readonly Garbage[], uploads: readonly UnfinishedObject[]) {
  const of = (kind: Garbage["kind"]) => heapOf(garbage.filter((object) => object.kind === kind));
  return {
    garbage: { blob: of("blob"), release: of("release"), note: of("note") },
    unfinished: uploads.length,
    objects: [
      ...garbage.map(({ kind, key, size, at }) => ({ kind, key, size, at: at.toISOString() })),
      ...uploads.map(({ key, id, at }) => ({
        kind: "unfinished" as const,
        key: key ?? id,
        size: null,
        at: at.toISOString(),
      })),
    ],
  };
}

function everything({ unneeded, spent }: Garbages): Garbage[] {
  return [...unneeded, ...spent];
}

function heapOf(garbage: readonly Garbage[]): Heap {
  return { objects: garbage.length, bytes: garbage.reduce((sum, { size }) => sum + size, 0) };
}

function showHeap({ objects, bytes }: Heap): string {
  return `${showCount(objects)} ${objects === 1 ? "object" : "objects"}, ${showBytes(bytes)}`;
}

async function askFirst(host: Host, found: Garbages, location: string): Promise<void> {
  const question = `Remove ${showHeap(heapOf(everything(found)))} from ${location} for ever?`;
  if (host.interactive && (await host.confirm(question))) return;
  throw new MlshipError({
    code: "gc.unconfirmed",
    what: "nothing was removed",
    why: host.interactive ? "you did not say yes" : "there is no terminal to ask on",
    fix: "add --yes to remove without a question",
    exit: "usage",
  });
}

function badGrace(grace: string): MlshipError {
  return new MlshipError({
    code: "gc.grace",
    what: `--grace ${grace} is not a duration`,
    fix: "write a whole number and a unit: 7d, 12h",
    exit: "usage",
  });
}
