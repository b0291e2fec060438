// What differs in how two sides are served on a cluster, with all that other sections tell held equal.
import { objectChanges, type ObjectChange } from "../../cluster/object-changes.ts";
import { objectsOf } from "../../cluster/objects.ts";
import type { Served } from "../../cluster/served.ts";
import { digestBytes } from "../../digest.ts";

type Serving = Pick<Served, "serve" | "deploy" | "model">;

/** Stands for version, revision, image and evidence, which differ between any two versions. */
const held = {
  version: "0.0.0",
  revision: "revision",
  image: "image",
  evidence: {
    plan: digestBytes(""),
    model: digestBytes(""),
    lock: digestBytes(""),
    report: digestBytes(""),
  },
};

/** The changes of the objects that follow from mlship.yaml, made by this mlship from both sides. */
export function servedChanges(name: string, from: Serving, to: Serving): ObjectChange[] {
  const manifestsOf = ({ serve, deploy, model }: Serving) =>
    objectsOf({ ...held, name, serve, deploy, model: withoutContent(model, from.model) });
  return objectChanges(manifestsOf(from), manifestsOf(to));
}

/** The way that a model takes, without what it holds: files are told by name elsewhere. */
function withoutContent(model: Serving["model"], other: Serving["model"]): Serving["model"] {
  if (model.kind === "image-volume") return { kind: "image-volume", reference: "model" };
  if (model.kind === "s3" && other.kind === "s3") return { ...model, files: other.files };
  return model;
}
