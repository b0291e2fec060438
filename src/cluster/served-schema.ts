// How `mlship.served/v1` is read. A key that is added later needs a default here: documents of old releases stay.
import { z } from "zod";

const digest = z.templateLiteral(["sha256:", z.string().regex(/^[0-9a-f]{64}$/)]);
const text = z.string();

const model = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("baked") }),
  z.object({ kind: z.literal("image-volume"), reference: text }),
  z.object({
    kind: z.literal("s3"),
    store: text,
    endpoint: text.nullable().default(null),
    region: text.nullable().default(null),
    pathStyle: z.enum(["auto", "always", "never"]).default("auto"),
    files: z.array(z.object({ path: text, size: z.number(), sha256: digest })),
  }),
]);

const patch = z.object({
  kind: text,
  name: text.optional(),
  merge: z.json().optional(),
  json: z.array(z.looseObject({ op: text, path: text })).optional(),
});

const canary = z.object({
  steps: z.array(z.number()),
  split: z.enum(["router", "gateway", "replicas"]),
  intervalMs: z.number(),
  maxHarm: z.number(),
  maxSlowdown: z.number(),
  maxShift: z.number(),
  holdMs: z.number(),
  bakeMs: z.number(),
  startTimeoutMs: z.number(),
});

const deploy = z.object({
  target: z.enum(["local", "kubernetes"]),
  strategy: z.enum(["canary", "blue-green"]),
  context: text.nullable(),
  replicas: z.object({ min: z.number().nullable(), max: z.number(), cpu: z.number(), memory: z.number() }),
  namespace: text,
  router: z.object({
    image: text,
    sticky: z.enum(["none", "cookie", "header"]),
    header: text.nullable(),
  }),
  resources: z.object({ cpu: text, memory: text }),
  monitor: z.enum(["none", "podMonitor"]),
  route: z.object({ gateway: text, hosts: z.array(text) }).nullable(),
  patches: z.array(patch),
  canary,
});

/** Schema of the document. */
export const servedSchema = z.object({
  schema: z.literal("mlship.served/v1"),
  name: text,
  version: text,
  image: text,
  model,
  serve: z.object({ port: z.number(), timeoutMs: z.number(), idempotent: z.boolean() }),
  deploy,
  evidence: z.object({ plan: digest, model: digest, lock: digest, report: digest }),
  release: digest,
  digest,
});
