// What doctor looks at of the store: whether it can be read and written, its clock, and how its bucket keeps things.
import { isInBucket } from "../../artifacts/location.ts";
import { listVersions } from "../../artifacts/versions.ts";
import { probeKey } from "../../artifacts/layout.ts";
import type { Keeping } from "../../artifacts/ports.ts";
import { MlshipError } from "../../errors.ts";
import type { Host } from "../host.ts";
import { openStoreToChange } from "../open-store.ts";
import type { Project } from "../project.ts";
import { lookAt, type Check, type Finding, type Look } from "./check.ts";

/** Difference of two clocks, in seconds, that is worth a word. S3 refuses signatures from 15 minutes on. */
const muchSkew = 60;
/** Seconds that answers take, and that the store's clock, which tells whole seconds, may be off by. */
const noSkew = 5;

/** Looks at the store and, where it answers and is in a bucket, at the bucket. */
export async function lookAtStore(project: Project, host: Host): Promise<Finding[]> {
  const { artifacts } = project.config;
  const store = await lookAt(storeCheck(project, host));
  if (store.outcome === "fail" || !isInBucket(artifacts.store)) return [store];
  const keeping = host.keeping(artifacts);
  const looks = await Promise.all([
    lookAt({ name: "clock", look: async () => clockLook(await keeping, host.clock.now()) }),
    lookAt({ name: "bucket", look: async () => bucketLook(await keeping) }),
    lookAt({ name: "lifecycle", look: async () => lifecycleLook(await keeping) }),
  ]);
  return [store, ...looks];
}

function storeCheck(project: Project, host: Host): Check {
  return {
    name: "store",
    async look() {
      const opened = await openStoreToChange(host, project);
      // A store that is in use was tried out long ago, maybe by somebody who may do more.
      await opened.create(probeKey(host.nonce(), 0), Buffer.from("mlship doctor\n"));
      const { name } = project.config;
      const { length } = await listVersions(opened, name);
      const versions = length === 1 ? "1 version" : `${length} versions`;
      return { found: `${opened.location} can be read and written; it holds ${versions} of ${name}` };
    },
  };
}

function clockLook({ now }: Keeping, here: Date): Look {
  const seconds = Math.round((now.getTime() - here.getTime()) / 1000);
  const found =
    Math.abs(seconds) < noSkew
      ? "agrees with the store's"
      : `the store's is ${Math.abs(seconds)} s ${seconds > 0 ? "ahead" : "behind"}`;
  if (Math.abs(seconds) < muchSkew) return { found };
  return { found, advice: "set this machine's clock: mlship allows for the difference, other tools may not" };
}

function bucketLook({ versioning, lock }: Keeping): Look {
  if (versioning === null && lock === null) return { found: "it does not tell how it keeps objects" };
  const found = `versioning ${told(versioning)}, object lock ${told(lock)}`;
  if (versioning === true || lock === true) return { found };
  return {
    found,
    advice:
      "turn versioning on, or object lock (artifacts.s3.lock): nothing else brings back what somebody removes",
  };
}

/** @throws MlshipError `store.expires` */
function lifecycleLook({ lifecycle }: Keeping): Look {
  if (lifecycle === null) return { found: "the bucket does not tell its lifecycle rules" };
  if (lifecycle.expires) throw expiring();
  if (lifecycle.aborts) return { found: "unfinished uploads are removed by a rule" };
  return {
    found: "no rule removes unfinished uploads",
    advice:
      "add a lifecycle rule with AbortIncompleteMultipartUpload after 7 days, or run mlship gc now and then",
  };
}

function told(state: boolean | null): string {
  if (state === null) return "unknown";
  return state ? "on" : "off";
}

function expiring(): MlshipError {
  return new MlshipError({
    code: "store.expires",
    what: "a lifecycle rule of the bucket removes objects of the store when they grow old",
    why: "releases and their history would be lost",
    fix: "exempt the store's prefix from rules with Expiration; mlship gc removes what is not needed",
    exit: "unavailable",
  });
}
