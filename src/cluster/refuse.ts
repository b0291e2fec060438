// No control character gets into an object: YAML could carry it, but nobody who reads it would see it.
import type { JsonValue } from "../config/kubernetes-keys.ts";
import { MlshipError } from "../errors.ts";
import type { KubernetesObject } from "./manifest.ts";

/**
 * Control characters but line feed and tab, which scripts in patches have and YAML shows; line and
 * paragraph separators; characters that turn the direction of text (Trojan Source, CVE-2021-42574);
 * the byte order mark; halves of surrogate pairs, which UTF-8 cannot carry.
 */
const hidden = /[^\P{Cc}\n\t]|[\u2028\u2029\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF]|\p{Cs}/u;
/** The same, and no line feed and tab: nothing of mlship's own has them, and no key does. */
const hiddenOrBreak = new RegExp(`${hidden.source}|[\\n\\t]`, "u");

/**
 * For mlship's own objects.
 * @throws MlshipError `cluster.control-character`, exit 2, that names the place and never shows the value.
 */
export function refuseControlCharacters(object: KubernetesObject): void {
  refuse(object, hiddenOrBreak);
}

/** For objects with patches, whose texts may have lines. @throws MlshipError as above. */
export function refuseHiddenCharacters(object: KubernetesObject): void {
  refuse(object, hidden);
}

function refuse(object: KubernetesObject, refused: RegExp): void {
  const place = find(object, "", refused);
  if (place === null) return;
  throw new MlshipError({
    code: "cluster.control-character",
    what: `${place} of the ${visible(object.kind)} holds a control character or one that turns the direction of text`,
    why: "what a reader of the file sees would not be what Kubernetes gets",
    fix: "take the character out of the value or the patch in mlship.yaml that it comes from",
    exit: "usage",
  });
}

/** The path of the first value or key that holds one, or null. */
function find(value: JsonValue, place: string, refused: RegExp): string | null {
  if (typeof value === "string") return refused.test(value) ? place : null;
  if (value === null || typeof value !== "object") return null;
  for (const [key, member] of Object.entries(value)) {
    if (hiddenOrBreak.test(key)) return `a key below ${place === "" ? "the top" : place}`;
    const found = find(member, place === "" ? key : `${place}.${key}`, refused);
    if (found !== null) return found;
  }
  return null;
}

/** A kind, which may itself hold what is refused. */
function visible(kind: string): string {
  return hiddenOrBreak.test(kind) ? "object" : kind;
}
