// `mlship versions verify`: every digest and every log of the store, or one version.
import { versionNamed } from "../../artifacts/channels.ts";
import { verifyStore, verifyVersion, type Looking, type Verified } from "../../artifacts/verify.ts";
import { showBytes } from "../../validation/show.ts";
import type { Host } from "../host.ts";
import { bytePace } from "../pace.ts";
import { openProject, withStaging } from "../project.ts";
import type { ProjectOptions, Result, ResultDocument } from "../result.ts";
import { inStep } from "../step.ts";

/** mlship.verification/v1 */
export interface VerificationDocument extends ResultDocument, Verified {
  schema: "mlship.verification/v1";
  store: string;
  /** What was looked at: `tumour 1.0.0`; null for all models of the store. */
  version: string | null;
}

/** Reads all that there is, and ends with exit 7 when anything is damaged. @param typed a version or channel */
export async function verify(
  typed: string | undefined,
  host: Host,
  selection: ProjectOptions,
): Promise<Result<VerificationDocument>> {
  const project = await openProject(host, selection);
  const store = await host.store(project.config.artifacts);
  const { name } = project.config;
  const version = typed === undefined ? null : await versionNamed(store, name, typed);
  const what = version === null ? store.location : `${name} ${version}`;
  const verified = await withStaging(project, host, (folder) =>
    inStep(host, `verify ${what}`, async (update) => {
      let onBytes = (_bytes: number) => {};
      const looking: Looking = {
        store,
        folder,
        signal: host.signal,
        onTotal: (total) => {
          onBytes = bytePace(update, host.clock, total);
        },
        onBytes: (bytes) => onBytes(bytes),
      };
      const result = await (version === null ? verifyStore(looking) : verifyVersion(looking, name, version));
      return { result, told: `${result.blobs} blobs, ${showBytes(result.size)}` };
    }),
  );
  return {
    document: {
      schema: "mlship.verification/v1",
      store: store.location,
      version: version === null ? null : what,
      ...verified,
    },
    exit: verified.damage.length === 0 ? "done" : "attention",
  };
}
