// The keys of `deploy` that only Kubernetes has: where, how large, how scaled, and what mlship does not model.
import { z } from "zod";
import { router } from "./router-keys.ts";
import { label } from "./texts.ts";

/** A quantity of Kubernetes: `500m`, `2`, `512Mi`. */
const quantity = z
  .string()
  .regex(/^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$/, "must be a quantity such as 500m or 512Mi");

const percent = z.int().min(1).max(100);
const dnsName = z
  .string()
  .max(253)
  .regex(/^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/, "must be a host name");

const json: z.ZodType<JsonValue> = z.json();
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

const replicas = {
  max: z.int().min(1).max(1000).describe("Servers at most, on Kubernetes.").default(10),
  cpu: percent.describe("Percent of the requested CPU that more servers are started at.").default(70),
  memory: percent.describe("Percent of the requested memory that more servers are started at.").default(80),
};

const deploy = {
  context: z
    .string()
    .min(1)
    .max(255)
    .regex(/^\P{Cc}+$/u, "must be the name of a context, without control characters")
    .describe("Context of the kubeconfig: which cluster, and who you are there. By default the current one.")
    .optional(),
  namespace: z
    .string()
    .regex(label, "must be a DNS label")
    .describe("Namespace on Kubernetes.")
    .default("default"),
  router: router.prefault({}),
  resources: z
    .strictObject({
      cpu: quantity.describe("CPU that a server is given.").default("500m"),
      memory: quantity.describe("Memory that a server is given, and may not pass.").default("512Mi"),
    })
    .describe("What one server on Kubernetes is given.")
    .prefault({}),
  monitor: z
    .enum(["none", "podMonitor"])
    .describe("Whether to write a PodMonitor for the Prometheus operator.")
    .default("none"),
  route: z
    .strictObject({
      gateway: z
        .string()
        .regex(/^([a-z0-9-]+\/)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, "must be NAME or NAMESPACE/NAME")
        .describe("Gateway that users come in by: NAME, or NAMESPACE/NAME."),
      hosts: z.array(dnsName).describe("Host names that the route answers for.").default([]),
    })
    .describe("Write an HTTPRoute of the Gateway API.")
    .optional(),
  patches: z
    .array(
      z.strictObject({
        kind: z.string().min(1).describe("Kind of the objects that are changed: Deployment."),
        name: z.string().describe("Only the object of this name.").optional(),
        merge: json.describe("Strategic merge patch.").optional(),
        json: z
          .array(z.looseObject({ op: z.string(), path: z.string() }))
          .describe("JSON patch (RFC 6902).")
          .optional(),
      }),
    )
    .describe("Changes to the Kubernetes objects, for what mlship.yaml has no key for.")
    .default([]),
};

/** Keys below `deploy.replicas` and `deploy`. */
export const kubernetes = { replicas, deploy };
