// Opens the project's store to change it. Whoever only looks takes `host.store`.
import type { ObjectStore } from "../artifacts/ports.ts";
import { openForWriting } from "../artifacts/store-document.ts";
import type { Host } from "./host.ts";
import type { Project } from "./project.ts";

/**
 * The store of a project, tried out at its first use. Where only one writer is safe it says so each time.
 * @throws MlshipError `store.unsafe`, exit 5, and all else that `openForWriting` refuses
 */
export async function openStoreToChange(host: Host, { config }: Project): Promise<ObjectStore> {
  const { artifacts } = config;
  const store = await host.store(artifacts);
  const { singleWriter } = await openForWriting(store, {
    singleWriter: artifacts.singleWriter,
    at: host.clock.now().toISOString(),
    actor: `${host.actor.user}@${host.actor.host}`,
    tool: host.version,
  });
  if (singleWriter !== null) {
    const agreed = `${singleWriter.actor} agreed to that at ${singleWriter.at}`;
    host.progress.note(
      `warning: ${store.location} is safe only while nobody else writes to it (artifacts.singleWriter); ${agreed}`,
    );
  }
  return store;
}
