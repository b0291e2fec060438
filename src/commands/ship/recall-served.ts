// How a version runs on a cluster again: as it last served in this channel, else with an image of another one.
import { appendServed } from "../../artifacts/served.ts";
import type { Release } from "../../artifacts/release.ts";
import { makeServed, type ServedDocument } from "../../cluster/served-document.ts";
import { MlshipError } from "../../errors.ts";
import type { Site } from "../site.ts";
import { revisionServed, servedOf } from "./served-store.ts";
import type { Shipped } from "./shipping.ts";

/**
 * What an earlier deploy of the release left in the store.
 * @throws MlshipError `rollback.no-image`, exit 2, when no cluster ever served it
 */
export async function recallServed(site: Site, release: Release): Promise<Shipped> {
  const { project, store } = site;
  const { channel } = project;
  const known = (await servedOf(store, release.name, release.version)).filter(
    ({ document }) => document.release === release.digest,
  );
  const own = known.findLast((one) => one.channel === channel)?.document;
  const served = own ?? (await adopt(site, release, known.at(-1)?.document));
  return { release, revision: revisionServed(served), image: served.image, served: served.digest };
}

/** The image of another channel, served as mlship.yaml says for this one. */
async function adopt(
  { project, store }: Site,
  release: Release,
  other: ServedDocument | undefined,
): Promise<ServedDocument> {
  const { name, version } = release;
  if (other === undefined) throw withoutImage(release);
  const { image, model, evidence } = other;
  const { serve, deploy } = project.config;
  const served = makeServed({ name, version, image, model, serve, deploy, evidence }, release.digest);
  await appendServed(store, { model: name, version, channel: project.channel }, served);
  return served;
}

function withoutImage({ name, version, lineage }: Release): MlshipError {
  const from = lineage === null ? "its files" : `commit ${lineage.commit}`;
  return new MlshipError({
    code: "rollback.no-image",
    what: `no image of ${name} ${version} is known`,
    why: "it was stored, and never deployed to a cluster",
    fix: `deploy it from ${from}: mlship deploy`,
    exit: "usage",
  });
}
