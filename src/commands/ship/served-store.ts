// The served documents of a version as the store has them, read through their schema.
import { listServed } from "../../artifacts/served.ts";
import type { ObjectStore } from "../../artifacts/ports.ts";
import { readServed, type ServedDocument } from "../../cluster/served-document.ts";
import { revisionOf } from "../../rollout/revision.ts";
import type { Revision } from "../../rollout/ports.ts";
import type { Blueprints } from "../../targets/kubernetes/ports.ts";

/** How a version was served in a channel. */
export interface ServedThere {
  channel: string;
  document: ServedDocument;
}

/** All ways in which a version was served; of each channel the last one comes last. @throws MlshipError as `readServed` */
export async function servedOf(store: ObjectStore, name: string, version: string): Promise<ServedThere[]> {
  const all = await listServed(store, name, version);
  return all.map(({ channel, document }) => ({ channel, document: readServed(document) }));
}

/** The revision that a served document runs as. */
export function revisionServed({ name, version, release, digest }: ServedDocument): Revision {
  return revisionOf(name, version, release, digest);
}

/** How revisions become objects, for those that this store knows. */
export function blueprintsIn(store: ObjectStore, name: string): Blueprints {
  return {
    async servedBy(revision) {
      const all = await servedOf(store, name, revision.version);
      const found = all.find(({ document }) => revisionServed(document).id === revision.id);
      return found === undefined ? null : { ...found.document, revision: revision.id };
    },
  };
}
