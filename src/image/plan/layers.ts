// What each layer's bytes follow from, as one digest per layer: equal inputs give equal bytes.
import { canonicalJson, digestBytes, type Digest } from "../../digest.ts";
import type { ModelFile } from "../../model/model.ts";
import type { Lock } from "../lock/lock.ts";
import type { PlannedLayer } from "./plan.ts";

/** Where things are in the image. */
export const places = {
  /** Distributions of the lock. */
  python: "/app/python",
  /** Shared libraries that some of them expect of the system. */
  libraries: "/app/lib",
  server: "/app/server",
  model: "/app/model",
  /** mlship.json and the handler. */
  bundle: "/app/bundle",
} as const;

/** One file of a context or of a layer, by what is in it. */
export interface LayerFile {
  path: string;
  size: number;
  sha256: Digest;
}

/** What the layers are made of. */
export interface LayerInputs {
  lock: Lock;
  /** The script that assembles a layer. */
  assemble: string;
  /** Module of the server's package that loads this format: `sklearn`. */
  loader: string;
  server: readonly LayerFile[];
  /** The model's files without the handler; empty when they come into the pod by another way. */
  model: readonly ModelFile[];
  /** mlship.json and the handler. */
  runtime: readonly LayerFile[];
}

/** The layers above the base; those without a file are left out. */
export function planLayers(inputs: LayerInputs): PlannedLayer[] {
  const { lock, assemble, loader, server, model, runtime } = inputs;
  const { base, python, packages, builder } = lock;
  const assembler = digestBytes(assemble);
  const interpreter = { python, base: base.platforms };
  const loaders = server.filter(({ path }) => path.endsWith(`/loaders/${loader}.py`));
  const environment: PlannedLayer = {
    name: "environment",
    inputs: digestOf({
      packages,
      builder,
      allowSource: lock.inputs.allowSource,
      interpreter,
      assembler,
      loaders,
    }),
    about: describePackages(packages),
  };
  const code: PlannedLayer = {
    name: "server",
    inputs: digestOf({ server, interpreter, assembler }),
    about: `${server.length} files`,
  };
  const files = [
    ...(model.length === 0
      ? []
      : [{ name: "model" as const, inputs: digestOf({ model }), about: describeFiles(model) }]),
    { name: "runtime" as const, inputs: digestOf({ runtime }), about: describeFiles(runtime) },
  ];
  return [environment, code, ...files];
}

function digestOf(inputs: object): Digest {
  return digestBytes(canonicalJson(inputs));
}

function describePackages(packages: Lock["packages"]): string {
  const counts = Object.entries(packages).map(([platform, pins]) => [platform, pins.length] as const);
  const [first] = counts;
  if (first !== undefined && counts.every(([, count]) => count === first[1])) return `${first[1]} packages`;
  return counts.map(([platform, count]) => `${count} packages for ${platform}`).join(", ");
}

function describeFiles(files: readonly LayerFile[]): string {
  const [first] = files;
  return files.length === 1 && first !== undefined ? first.path : `${files.length} files`;
}
