// SLSA provenance v1: from what, and how, an image was built. Honest: the builder is whoever ran mlship (Build L1).
import { canonicalJson, digestBytes } from "../../digest.ts";
import type { BuildPlan } from "../plan/plan.ts";
import type { ImageFacts } from "./attest.ts";
import { hexOf, type ResourceDescriptor } from "./statement.ts";

/** What `externalParameters` and `internalParameters` mean; see docs/concepts/supply-chain.md. */
export const buildType = "https://mlship.dev/build-plan/v1";

/** A machine that nobody vouches for but the holder of the signing key. */
export const builderId = "https://mlship.dev/builder/unhosted/v1";

/** When it was built is left out: the same image has the same provenance. */
export function makeProvenance(facts: ImageFacts): object {
  const { image, plan, lock, report, tool } = facts;
  return {
    buildDefinition: {
      buildType,
      externalParameters: {
        name: image.name,
        version: image.version,
        platforms: plan.platforms,
        base: plan.base.reference,
        requirements: lock.inputs.requirements,
      },
      internalParameters: {
        plan: plan.digest,
        dockerfile: plan.dockerfile,
        layers: plan.layers.map(({ name, inputs }) => ({ name, inputs })),
        sourceDateEpoch: plan.sourceDateEpoch,
      },
      resolvedDependencies: resolved(facts),
    },
    runDetails: {
      builder: { id: builderId, version: { mlship: tool, uv: lock.builder.uv.version } },
      byproducts: [{ name: "mlship.report/v1", digest: { sha256: hexOf(report.digest) } }],
    },
  };
}

function resolved({ image, plan, lock }: ImageFacts): ResourceDescriptor[] {
  const { model, lock: lockDigest } = image.evidence;
  return [
    { name: "base", uri: plan.base.reference, digest: { sha256: hexOf(plan.base.digest) } },
    ...plan.platforms.flatMap((platform) => {
      const digest = plan.base.platforms[platform];
      return digest === undefined ? [] : [{ name: `base ${platform}`, digest: { sha256: hexOf(digest) } }];
    }),
    { name: "mlship.lock", digest: { sha256: hexOf(lockDigest) } },
    { name: "requirements", digest: { sha256: hexOf(digestBytes(canonicalJson(lock.inputs.requirements))) } },
    { name: "server", digest: { sha256: hexOf(lock.inputs.server) } },
    { name: "model", digest: { sha256: hexOf(model) } },
    ...sourceOf(plan.volatile),
  ];
}

function sourceOf({ revision, source }: BuildPlan["volatile"]): ResourceDescriptor[] {
  if (revision === null) return [];
  const gitCommit = revision.replace(/-dirty$/, "");
  return [
    {
      name: "source",
      ...(source === null ? {} : { uri: `git+${source}@${gitCommit}` }),
      digest: { gitCommit },
      annotations: { dirty: gitCommit !== revision },
    },
  ];
}
