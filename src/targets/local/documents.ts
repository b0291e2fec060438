// The documents that the gateway and the command line exchange, on disk and over the admin port.
import { z } from "zod";
import type { splitSchema } from "../../rollout/evidence-record.ts";

const digest = z.templateLiteral(["sha256:", z.string()]);
const revision = z.strictObject({ id: z.string().min(1), version: z.string(), release: digest });

/** All that it takes to start a revision's servers again, whatever else is lost. */
export const launchSpecSchema = z.strictObject({
  revision,
  bundleFolder: z.string(),
  python: z.string(),
  /** Servers of this revision. */
  replicas: z.int().min(1),
  /** Milliseconds that one prediction may take. */
  timeoutMs: z.int().min(1),
});
export type LaunchSpec = z.infer<typeof launchSpecSchema>;

/** What should run: written before it is acted on, read when a gateway starts. */
export const desiredSchema = z.strictObject({
  schema: z.literal("mlship.gateway/v1"),
  /** The highest lock epoch that has written here; writes with an older one are refused. */
  epoch: z.int().min(0),
  stable: z.string().nullable(),
  canary: z.string().nullable(),
  previous: z.string().nullable(),
  specs: z.array(launchSpecSchema),
});
export type Desired = z.infer<typeof desiredSchema>;

/** What the gateway is started with. */
export const gatewayConfigSchema = z.strictObject({
  name: z.string(),
  channel: z.string(),
  /** Absolute folder for state.json, gateway.json and logs/. */
  folder: z.string(),
  /** Port where users send requests. */
  port: z.int().min(1).max(65_535),
  /** Milliseconds that a share stays in force without being renewed. */
  leaseMs: z.int().min(1),
});
export type GatewayConfig = z.infer<typeof gatewayConfigSchema>;

/** gateway.json: how a later command finds the gateway. Readable by its owner only. */
export const gatewayFileSchema = z.strictObject({
  pid: z.int(),
  /** When the process began; tells it from a later one with the same pid. */
  began: z.string(),
  port: z.int(),
  adminPort: z.int(),
  token: z.string(),
});
export type GatewayFile = z.infer<typeof gatewayFileSchema>;

/** The parts of an MlshipError as they cross a process boundary. */
export const faultSchema = z.object({
  code: z.string(),
  what: z.string(),
  why: z.string().optional(),
  fix: z.string().optional(),
  exit: z.enum([
    "done",
    "internal",
    "usage",
    "gate",
    "inconclusive",
    "unavailable",
    "locked",
    "attention",
    "interrupted",
  ]),
});
export type Fault = z.infer<typeof faultSchema>;

/** The gateway's first and only message to the process that started it. */
export const gatewayAnswerSchema = z.union([
  z.strictObject({ serving: z.literal(true) }),
  z.strictObject({ failed: faultSchema }),
]);
export type GatewayAnswer = z.infer<typeof gatewayAnswerSchema>;

/** One revision's servers as they are now. */
const crewStatusSchema = z.strictObject({
  revision,
  replicas: z.int(),
  ready: z.int(),
  /** Loopback ports of the servers that are ready. */
  ports: z.array(z.int()),
  /** Times that a server ended by itself and was started again, or waits for it. */
  restarts: z.int(),
  /** Whether any server has been ready since the revision was started. */
  everReady: z.boolean(),
  timeoutMs: z.int(),
});
export type CrewStatus = z.infer<typeof crewStatusSchema>;

/** What runs now. */
export const gatewayStatusSchema = z.strictObject({
  name: z.string(),
  channel: z.string(),
  pid: z.int(),
  port: z.int(),
  epoch: z.int(),
  stable: z.string().nullable(),
  canary: z.string().nullable(),
  previous: z.string().nullable(),
  share: z.number(),
  crews: z.array(crewStatusSchema),
  /** What the gateway did by itself, newest last. */
  notes: z.array(z.string()),
});
export type GatewayStatus = z.infer<typeof gatewayStatusSchema>;

/** What the gateway counted: a measurement without what the servers behind it say. */
export type Split = z.infer<typeof splitSchema>;
