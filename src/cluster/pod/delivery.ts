// How the model's files get into a pod: volumes, mounts, and the container that fetches them.
import { canonicalJson, digestBytes } from "../../digest.ts";
import { MlshipError } from "../../errors.ts";
import type { JsonObject, Manifest } from "../manifest.ts";
import { revisionMetadata } from "../names.ts";
import { resources } from "./resources.ts";
import { containerSecurity } from "./security.ts";
import { modelFolder, type PodStore, type Served } from "../served.ts";
import { modelSpace } from "./space.ts";

const listFolder = "/etc/mlship";
const listKey = "model-files.json";
/** A ConfigMap holds 1 MiB at most; the rest is for its metadata. */
const longestList = 1_000_000;

/** The parts of a pod that bring the model's files. */
export interface Delivery {
  volumes: JsonObject[];
  initContainers: JsonObject[];
  /** Mounts of the server. */
  mounts: JsonObject[];
}

/** The parts of a pod for the way in which this release's model travels. */
export function deliveryOf(served: Served): Delivery {
  const { model } = served;
  const mount = { name: "model", mountPath: modelFolder, readOnly: true };
  if (model.kind === "baked") return { volumes: [], initContainers: [], mounts: [] };
  if (model.kind === "image-volume") {
    const image = { reference: model.reference, pullPolicy: "Always" };
    return {
      volumes: [{ name: "model", image }],
      initContainers: [],
      mounts: [{ ...mount, subPath: modelFolder.slice(1) }],
    };
  }
  return {
    volumes: [
      { name: "model", emptyDir: { sizeLimit: `${modelSpace(served)}Mi` } },
      { name: "model-files", configMap: { name: served.revision, defaultMode: 0o444 } },
    ],
    initContainers: [fetcher(served, model, digestBytes(canonicalJson(model.files)))],
    mounts: [mount],
  };
}

function fetcher(served: Served, from: PodStore, digest: string): JsonObject {
  const env = wayTo(from);
  return {
    name: "fetch-model",
    image: served.image,
    imagePullPolicy: "Always",
    command: ["python3", "-m", "mlship_server", "fetch"],
    args: [
      "--from",
      from.store,
      "--files",
      `${listFolder}/${listKey}`,
      "--digest",
      digest,
      "--to",
      modelFolder,
    ],
    ...(env.length > 0 && { env }),
    securityContext: containerSecurity,
    resources: resources(served),
    volumeMounts: [
      { name: "tmp", mountPath: "/tmp" },
      { name: "model", mountPath: modelFolder },
      { name: "model-files", mountPath: listFolder, readOnly: true },
    ],
  };
}

/** What mlship.yaml says of the way to the store, by the names that AWS's tools have for it. */
function wayTo({ endpoint, region, pathStyle }: PodStore): JsonObject[] {
  return [
    ...(endpoint === null ? [] : [{ name: "AWS_ENDPOINT_URL_S3", value: endpoint }]),
    ...(region === null ? [] : [{ name: "AWS_REGION", value: region }]),
    ...(pathStyle === "never" ? [{ name: "AWS_VIRTUAL_HOSTED_STYLE_REQUEST", value: "true" }] : []),
  ];
}

/** The list of the files to fetch, where files are fetched; else nothing. */
export function filesOfModel(served: Served): Manifest[] {
  const { model, revision } = served;
  if (model.kind !== "s3") return [];
  const list = canonicalJson({ schema: "mlship.model-files/v1", files: model.files });
  if (Buffer.byteLength(list) > longestList) {
    throw new MlshipError({
      code: "cluster.too-many-files",
      what: `the model has ${model.files.length} files, more than a ConfigMap can list for delivery by S3`,
      fix: "set image.delivery to baked or image-volume, or pack the files into fewer",
      exit: "usage",
    });
  }
  return [
    {
      file: "model-files.yaml",
      about: [
        "The model's files with size and sha256. The init container fetches them from the store by their digests and verifies each, and the set of them, before the server starts.",
        "Immutable: another model is another revision, with a list of its own.",
      ],
      object: {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { ...revisionMetadata(served), name: revision },
        immutable: true,
        data: { [listKey]: list },
      },
    },
  ];
}
