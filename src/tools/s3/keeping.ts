// How a bucket keeps objects: its clock, versioning, object lock and lifecycle rules, as far as it tells.
import type { Keeping } from "../../artifacts/ports.ts";
import type { Answer, Bucket } from "./bucket.ts";
import { header } from "./wire.ts";
import { readXml, type Element } from "./xml.ts";

/** The user may not ask, there is no such setting, or the server knows no such question. */
const noAnswer = [400, 403, 404, 405, 501];

/** Asks the bucket. Google's storage has other words for all of it, so only its clock is asked. */
export async function readKeeping(bucket: Bucket): Promise<Keeping> {
  const { prefix, scheme } = bucket.location;
  const listed = await bucket.ask({
    action: "s3:ListBucket",
    method: "GET",
    key: null,
    query: { "list-type": "2", "max-keys": "1", prefix },
  });
  const now = new Date(header(listed, "date") ?? bucket.now());
  if (scheme === "gs") return { now, versioning: null, lock: null, lifecycle: null };
  const [versioning, lock, lifecycle] = await Promise.all([
    ask(bucket, "s3:GetBucketVersioning", "versioning"),
    ask(bucket, "s3:GetBucketObjectLockConfiguration", "object-lock"),
    ask(bucket, "s3:GetLifecycleConfiguration", "lifecycle"),
  ]);
  return {
    now,
    versioning: stateOf(versioning, (root) => root.textOf("Status") === "Enabled"),
    lock: stateOf(lock, (root) => root.textOf("ObjectLockEnabled") === "Enabled"),
    lifecycle: lifecycleOf(lifecycle, prefix),
  };
}

async function ask(bucket: Bucket, action: string, setting: string): Promise<Answer> {
  return await bucket.ask({ action, method: "GET", key: null, query: { [setting]: "" }, expect: noAnswer });
}

/** False where there is no such setting; null where nobody knows. */
function stateOf(answer: Answer, isOn: (root: Element) => boolean): boolean | null {
  if (answer.status === 404) return false;
  return answer.status < 300 ? isOn(rootOf(answer)) : null;
}

function lifecycleOf(answer: Answer, prefix: string): Keeping["lifecycle"] {
  if (answer.status === 404) return { aborts: false, expires: false };
  if (answer.status >= 300) return null;
  const rules = rootOf(answer)
    .all("Rule")
    .filter((rule) => rule.textOf("Status") === "Enabled" && concerns(rule, prefix));
  return {
    aborts: rules.some((rule) => rule.all("AbortIncompleteMultipartUpload").length > 0),
    // The marker of a removed object may go: it is no object.
    expires: rules.some((rule) =>
      rule.all("Expiration").some((when) => when.textOf("Days") !== null || when.textOf("Date") !== null),
    ),
  };
}

/** Whether a rule reaches keys below the prefix. Rules by tag or size do not: mlship sets no tags. */
function concerns(rule: Element, prefix: string): boolean {
  const [filter] = rule.all("Filter");
  const [both] = filter?.all("And") ?? [];
  if (filter?.all("Tag").length || both?.all("Tag").length) return false;
  const wanted = rule.textOf("Prefix") ?? filter?.textOf("Prefix") ?? both?.textOf("Prefix") ?? "";
  return wanted.startsWith(prefix) || prefix.startsWith(wanted);
}

function rootOf({ body }: Answer): Element {
  return readXml(body.toString("utf8"));
}
