// How a release is named where it runs.
import { digestBytes } from "../digest.ts";
import type { Digest } from "../digest.ts";
import type { Revision } from "./ports.ts";

/** A DNS label (RFC 1035) has 63 characters; what is named after a revision has up to 11 more. */
const longest = 52;

/**
 * The revision of a release: its id is name, version and eight digits of a digest, as a DNS label
 * of at most 52 characters. A name that had to be cut or changed is told apart by a digest of the
 * whole.
 * @param running digest of what runs, where the release alone does not tell: the served document
 *   on Kubernetes. A changed configuration is another revision of the same release.
 */
export function revisionOf(
  name: string,
  version: string,
  release: Digest,
  running: Digest = release,
): Revision {
  const short = running.slice("sha256:".length, "sha256:".length + 8);
  const wanted = `${name}-${version}`;
  const label = wanted
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  const isPlain = /^[a-z][a-z0-9.-]*$/.test(wanted) && label.length + 9 <= longest;
  const mark = isPlain ? "" : `-${digestBytes(wanted).slice("sha256:".length, "sha256:".length + 6)}`;
  const first = /^[a-z]/.test(label) ? label : `r-${label}`;
  const room = longest - short.length - 1 - mark.length;
  const head = first.slice(0, room).replaceAll(/-+$/g, "");
  return { id: `${head}${mark}-${short}`, version, release };
}
