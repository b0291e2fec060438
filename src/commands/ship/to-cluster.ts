// Shipping to Kubernetes: an image in its registry, a stored release, and how both are served.
import { appendServed } from "../../artifacts/served.ts";
import { releaseOf } from "../../artifacts/versions.ts";
import { podStoreOf } from "../../cluster/pod-store.ts";
import { formatReference } from "../../image/oci/reference.ts";
import { revisionOf } from "../../rollout/revision.ts";
import { findKept, makeImage, planMaking, type Making } from "../build/make-image.ts";
import type { Judgement } from "../judge.ts";
import { lockFile } from "../../image/lock/lock.ts";
import { findFittingLock, requireLock } from "../open-lock.ts";
import { sendImage, targetOf } from "../push/send-image.ts";
import { requireImage } from "../release-links.ts";
import { releasedJudgement, storeRelease } from "../release.ts";
import { productionOf, type Site } from "../site.ts";
import { findPushed, type Image } from "./known-image.ts";
import { recallServed } from "./recall-served.ts";
import { linksTo, servedFrom, sourceOf } from "./served-from.ts";
import { revisionServed } from "./served-store.ts";
import type { Foreseen, Shipped, Shipping } from "./shipping.ts";

/** The way to a cluster. */
export function shipToCluster(site: Site): Shipping {
  return {
    check() {
      const { image, artifacts } = site.project.config;
      targetOf(site.project);
      if (image.delivery === "s3") podStoreOf(artifacts);
    },
    locking: ({ dryRun }) => (dryRun ? findFittingLock : requireLock),
    foresee: (judgement) => foresee(site, judgement),
    prepare: (judgement) => prepare(site, judgement),
    recall: (release) => recallServed(site, release),
  };
}

async function prepare(site: Site, judgement: Judgement): Promise<Shipped> {
  const { project, host, store } = site;
  const { name, version } = project.config;
  const making = await planMaking(project, host, await releasedJudgement(project, store, judgement));
  const image = (await pushed(site, making)) ?? (await makeAndSend(making));
  host.signal.throwIfAborted();
  const { release } = await storeRelease(project, host, store, judgement, {
    parent: () => Promise.resolve(productionOf(site)),
    links: () => Promise.resolve(linksTo(making, image, making.planned.plan.digest)),
  });
  requireImage(release, image.image);
  const served = servedFrom(making, image, release.digest);
  await appendServed(store, { model: name, version, channel: project.channel }, served);
  return { release, revision: revisionServed(served), image: image.image, served: served.digest };
}

async function pushed(site: Site, making: Making): Promise<Image | null> {
  const found = await findPushed(site, making);
  if (found !== null) site.host.progress.note(`nothing to build or push: ${found.image} is of the same plan`);
  return found;
}

async function makeAndSend(making: Making): Promise<Image> {
  const { project, host } = making;
  const kept = await makeImage(making, { verify: false, noCache: false });
  const sent = await sendImage(targetOf(project), host, kept);
  return { image: sent.reference, model: sourceOf(making, sent.model?.reference ?? null) };
}

/** What is there already is looked for where `prepare` would put it. */
async function foresee(site: Site, judgement: Judgement): Promise<Foreseen> {
  const { project, host, store } = site;
  const { name, version } = project.config;
  const stored = await releaseOf(store, name, version);
  const storing = stored === null ? [`store ${name} ${version} in ${store.location}`] : [];
  const repository = formatReference({ ...targetOf(project), tag: version });
  const send = `push it to ${repository}`;
  // What does not exist yet is named by what it is made of.
  if (judgement.candidate.lock === null) {
    const steps = [`pin base image and packages in ${lockFile}`, "build the image and try it out", send];
    return {
      revision: revisionOf(name, version, judgement.bundle.digest),
      steps: [...steps, ...storing],
    };
  }
  const making = await planMaking(project, host, await releasedJudgement(project, store, judgement));
  const image = await findPushed(site, making);
  if (image !== null && stored !== null) {
    return {
      revision: revisionServed(servedFrom(making, image, stored)),
      steps: [`take ${image.image}, which is in the registry`],
    };
  }
  const kept = await findKept(making);
  const build =
    kept === null ? "build the image and try it out" : `take the image ${kept.built.digest}, built before`;
  return {
    revision: revisionOf(name, version, judgement.bundle.digest, making.planned.plan.digest),
    steps: [
      ...(image === null ? [build, send] : [`take ${image.image}, which is in the registry`]),
      ...storing,
    ],
  };
}
