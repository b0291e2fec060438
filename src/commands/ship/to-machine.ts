// Shipping to this machine: a stored release is all that its servers need.
import type { Release } from "../../artifacts/release.ts";
import { revisionOf } from "../../rollout/revision.ts";
import { findLock } from "../open-lock.ts";
import { noLinks } from "../release-links.ts";
import { storeRelease } from "../release.ts";
import { productionOf, type Site } from "../site.ts";
import type { Shipping } from "./shipping.ts";

/** The way to the local target. */
export function shipToMachine(site: Site): Shipping {
  const { project, host, store } = site;
  const { name, version } = project.config;
  const recall = (release: Release) => ({
    release,
    revision: revisionOf(name, release.version, release.digest),
    image: null,
    served: null,
  });
  return {
    check: () => {},
    locking: () => findLock,
    foresee({ bundle }) {
      // A release that does not exist yet is named by what it is made of.
      return Promise.resolve({ revision: revisionOf(name, version, bundle.digest), steps: [] });
    },
    async prepare(judgement) {
      const { release } = await storeRelease(project, host, store, judgement, {
        parent: () => Promise.resolve(productionOf(site)),
        links: () => Promise.resolve(noLinks),
      });
      return recall(release);
    },
    recall: (release) => Promise.resolve(recall(release)),
  };
}
