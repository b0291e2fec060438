// Kubernetes objects as files: YAML that is meant to be read.
import { dump } from "js-yaml";
import type { Manifest } from "./manifest.ts";
import { objectsOf } from "./objects.ts";
import type { Served } from "./served.ts";

/** Characters of a comment's line. */
const width = 100;

/** A file of Kubernetes objects. */
export interface KubernetesFile {
  /** Relative to the folder of the objects: `deployment.yaml`. */
  path: string;
  text: string;
}

/**
 * The files of a release's objects. Each holds one object, explained in the comment above it; equal
 * input gives equal bytes. `kubectl apply -f FOLDER` takes them all.
 * @throws MlshipError as {@link objectsOf} does.
 */
export function renderKubernetes(served: Served): KubernetesFile[] {
  return objectsOf(served).map((manifest) => ({ path: manifest.file, text: yamlOf(manifest) }));
}

/** One object as YAML, with its explanation above. */
export function yamlOf({ about, object }: Manifest): string {
  const comment = about.flatMap((paragraph) => wrap(paragraph)).map((line) => `# ${line}\n`);
  // No references: `&a` and `*a` save bytes and hide what a container gets.
  return comment.join("") + dump(object, { noRefs: true, lineWidth: -1 });
}

function wrap(paragraph: string): string[] {
  const lines: string[] = [];
  for (const word of paragraph.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width - 2) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
