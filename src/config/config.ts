// The configuration that the rest of mlship works with: every default in place, in plain units.
import { resolve } from "node:path";
import {
  resolveGates,
  resolveQualityGates,
  type Gate,
  type Gates,
  type QualityGates,
  type QualityMetric,
} from "./gates.ts";
import type { Written } from "./schema.ts";
import { parseDuration, parseSize } from "./units.ts";

/** A part of the rows that is judged on its own. */
export interface SliceRule {
  name: string;
  /** An SQL condition over the columns of the data. */
  where: string;
  /** With fewer rows its gates are not decided. */
  minRows: number;
  /** Its own gates; null when it has those of all rows. */
  gates: QualityGates | null;
}

/** Groups of rows that a metric must not tell apart. */
export interface FairnessRule {
  column: string;
  metric: QualityMetric;
  average: NonNullable<Gate["average"]> | null;
  maxGap: number;
}

/** Where releases are kept, and how that place is reached and protected. */
export interface ArtifactSettings {
  /** Absolute folder, or a URL as it was written. */
  store: string;
  singleWriter: boolean;
  /** How objects are encrypted before they leave this machine; exactly one of the two is named. */
  encryption: { keyFile: string | null; kmsKey: string | null } | null;
  s3: {
    endpoint: string | null;
    region: string | null;
    pathStyle: Written["artifacts"]["s3"]["pathStyle"];
    profile: string | null;
    encryption: Written["artifacts"]["s3"]["encryption"];
    kmsKey: string | null;
    /** Absolute. */
    customerKeyFile: string | null;
    lock: { mode: "governance" | "compliance"; days: number } | null;
  };
}

/** One project's resolved configuration. Paths are absolute, durations in milliseconds. */
export interface Config {
  /** The folder of mlship.yaml: what its relative paths start from. */
  folder: string;
  /** The environment that was chosen, or null. */
  environment: string | null;
  name: string;
  version: string;
  model: {
    path: string;
    format: Written["model"]["format"];
    handler: string | null;
    /** Dotted names of globals that a pickle may hold beyond its format's allow-list. */
    trust: string[];
  };
  python: {
    /** `auto` or a minor version: `3.12`. */
    version: string;
    /** A file in requirements.txt syntax. */
    requirements: string | null;
    /** Names of distributions that may be built from source. */
    allowSource: string[];
  };
  image: {
    /** Without tag and digest. */
    repository: string | null;
    /** Null for the one that belongs to the Python version. */
    base: string | null;
    platforms: Written["image"]["platforms"];
    delivery: Written["image"]["delivery"];
    /** Absolute path of the project's own Dockerfile template. */
    template: string | null;
    /** Bytes, compressed. */
    maxSize: number | null;
    parity: { maxDelta: number; maxFlips: number };
    scan: { failOn: Written["image"]["scan"]["failOn"] };
    /** Absolute path of a private key. */
    signingKey: string | null;
  };
  validate: {
    data: string;
    /** Absolute path of the training rows. */
    train: string | null;
    /** Name of the column that holds the true value; a list for several. */
    target: string | string[];
    task: Written["validate"]["task"];
    gates: Gates;
    /** Share of intervals that hold the true value, 0 to 1. */
    confidence: number;
    judgeBy: Written["validate"]["judgeBy"];
    robustness: Written["validate"]["robustness"];
    slices: SliceRule[];
    fairness: FairnessRule[];
    positive: string | number | boolean | null;
    /** Name of the column that holds row weights. */
    weight: string | null;
    /** Probability, 0 to 1. */
    threshold: number | null;
    /** Name of the column that identifies a row. */
    key: string | null;
  };
  serve: {
    port: number;
    timeoutMs: number;
    /** Whether a failed request may be sent again. */
    idempotent: boolean;
  };
  artifacts: ArtifactSettings;
  deploy: {
    target: Written["deploy"]["target"];
    strategy: Written["deploy"]["strategy"];
    /** Context of the kubeconfig; null for its current one. */
    context: string | null;
    /** `min` is null when the target is to choose; `cpu` and `memory` are percent of the request. */
    replicas: { min: number | null; max: number; cpu: number; memory: number };
    namespace: string;
    router: {
      /** Reference as it was written. */
      image: string;
      sticky: Written["deploy"]["router"]["sticky"];
      /** Name of the header that users are told apart by; null unless `sticky` is `header`. */
      header: string | null;
    };
    /** Quantities of Kubernetes. */
    resources: { cpu: string; memory: string };
    monitor: Written["deploy"]["monitor"];
    route: { gateway: string; hosts: string[] } | null;
    patches: Written["deploy"]["patches"];
    canary: {
      /** Percent of requests, rising. */
      steps: number[];
      split: Written["deploy"]["canary"]["split"];
      intervalMs: number;
      /** Share of requests, 0 to 1. */
      maxHarm: number;
      /** Ratio of durations, above 1. */
      maxSlowdown: number;
      /** Total variation between the answers of both sides, 0 to 1. */
      maxShift: number;
      holdMs: number;
      bakeMs: number;
      startTimeoutMs: number;
      /** Values of Prometheus that must keep their bounds; absent without any. */
      prometheus?: NonNullable<Written["deploy"]["canary"]["prometheus"]>;
    };
  };
}

/**
 * Brings a complete configuration from the words of the file into plain units.
 * @param folder absolute; relative paths start from it.
 */
export function resolveConfig(written: Written, folder: string, environment: string | null): Config {
  const { name, version, model, python, image, validate, serve, artifacts, deploy } = written;
  const { canary } = deploy;
  const absolute = (path: string) => resolve(folder, path);
  const absoluteOrNull = (path: string | undefined) => (path === undefined ? null : absolute(path));
  return {
    folder,
    environment,
    name,
    version,
    model: { ...model, path: absolute(model.path), handler: absoluteOrNull(model.handler) },
    python: { ...python, requirements: absoluteOrNull(python.requirements) },
    image: {
      ...image,
      repository: image.repository ?? null,
      base: image.base ?? null,
      template: absoluteOrNull(image.template),
      maxSize: image.maxSize === undefined ? null : parseSize(image.maxSize),
      signingKey: absoluteOrNull(image.signingKey),
    },
    validate: {
      data: absolute(validate.data),
      train: absoluteOrNull(validate.train),
      target: validate.target,
      task: validate.task,
      gates: resolveGates(validate.gates),
      confidence: validate.confidence,
      judgeBy: validate.judgeBy,
      robustness: validate.robustness,
      slices: validate.slices.map(sliceOf),
      fairness: [validate.fairness].flat().map((rule) => ({ ...rule, average: rule.average ?? null })),
      positive: validate.positive ?? null,
      weight: validate.weight ?? null,
      threshold: validate.threshold ?? null,
      key: validate.key ?? null,
    },
    serve: { port: serve.port, timeoutMs: parseDuration(serve.timeout), idempotent: serve.idempotent },
    artifacts: {
      store: artifacts.store.includes("://") ? artifacts.store : absolute(artifacts.store),
      singleWriter: artifacts.singleWriter,
      encryption:
        artifacts.encryption === undefined
          ? null
          : {
              keyFile: absoluteOrNull(artifacts.encryption.keyFile),
              kmsKey: artifacts.encryption.kmsKey ?? null,
            },
      s3: {
        endpoint: artifacts.s3.endpoint ?? null,
        region: artifacts.s3.region ?? null,
        pathStyle: artifacts.s3.pathStyle,
        profile: artifacts.s3.profile ?? null,
        encryption: artifacts.s3.encryption,
        kmsKey: artifacts.s3.kmsKey ?? null,
        customerKeyFile: absoluteOrNull(artifacts.s3.customerKeyFile),
        lock: artifacts.s3.lock ?? null,
      },
    },
    deploy: {
      target: deploy.target,
      strategy: deploy.strategy,
      context: deploy.context ?? null,
      replicas: { ...deploy.replicas, min: deploy.replicas.min ?? null },
      namespace: deploy.namespace,
      router: routerOf(deploy.router),
      resources: deploy.resources,
      monitor: deploy.monitor,
      route: deploy.route ?? null,
      patches: deploy.patches,
      canary: {
        steps: canary.steps,
        split: canary.split,
        intervalMs: parseDuration(canary.interval),
        maxHarm: canary.maxHarm,
        maxSlowdown: canary.maxSlowdown,
        maxShift: canary.maxShift,
        holdMs: parseDuration(canary.hold),
        bakeMs: parseDuration(canary.bake),
        startTimeoutMs: parseDuration(canary.startTimeout),
        ...(canary.prometheus !== undefined && { prometheus: canary.prometheus }),
      },
    },
  };
}

/** Rows below which even a bad slice may be chance. */
const fewestRows = 30;

function sliceOf(written: Written["validate"]["slices"][number]): SliceRule {
  const {
    where,
    name = where,
    minRows = fewestRows,
    gates,
  } = typeof written === "string" ? { where: written } : written;
  return { name, where, minRows, gates: gates === undefined ? null : resolveQualityGates(gates) };
}

function routerOf({ image, sticky, header }: Written["deploy"]["router"]): Config["deploy"]["router"] {
  return { image, sticky, header: sticky === "header" ? (header ?? null) : null };
}
