// Other autoscalers and controllers whose selectors reach the pods of this model.
import { z } from "zod";
import { MlshipError } from "../../../errors.ts";
import type { KubeObject } from "../ports.ts";

const scalerSchema = z.looseObject({
  spec: z.looseObject({ scaleTargetRef: z.looseObject({ kind: z.string(), name: z.string() }) }),
});
const expression = z.looseObject({
  key: z.string(),
  operator: z.string(),
  values: z.array(z.string()).nullish(),
});
const deploymentSchema = z.looseObject({
  spec: z.looseObject({
    selector: z.looseObject({
      matchLabels: z.record(z.string(), z.string()).nullish(),
      matchExpressions: z.array(expression).nullish(),
    }),
  }),
});
type Expression = z.infer<typeof expression>;

/** What is in the namespace, and the pods that are to come. */
export interface Neighbours {
  scalers: readonly KubeObject[];
  deployments: readonly KubeObject[];
  /** Name of the full set's Deployment and of its autoscaler. */
  revision: string;
  /** Labels of the pods, of the full set and of the canary. */
  pods: readonly Readonly<Record<string, string>>[];
}

/** The findings: a second autoscaler of the Deployment, or a Deployment that takes our pods for its own. */
export function checkOverlaps({ scalers, deployments, revision, pods }: Neighbours): MlshipError[] {
  const rivals = scalers.filter((scaler) => {
    const { kind, name } = scalerSchema.parse(scaler).spec.scaleTargetRef;
    return kind === "Deployment" && name === revision && scaler.metadata.name !== revision;
  });
  const greedy = deployments.filter(
    (deployment) => !isOurs(deployment) && pods.some((labels) => selects(deployment, labels)),
  );
  return [
    ...rivals.map(
      ({ metadata }) =>
        new MlshipError({
          code: "preflight.autoscaler",
          what: `HorizontalPodAutoscaler ${metadata.name} scales Deployment ${revision} too`,
          why: "two autoscalers of one Deployment undo each other's work",
          fix: `remove it: kubectl -n ${metadata.namespace ?? "NAMESPACE"} delete hpa ${metadata.name}`,
          exit: "unavailable",
        }),
    ),
    ...greedy.map(
      ({ metadata }) =>
        new MlshipError({
          code: "preflight.selector",
          what: `the selector of Deployment ${metadata.name} matches the pods of this model too`,
          why: "its autoscaler would count them as its own, and its Service may send them requests",
          fix: `narrow the selector of Deployment ${metadata.name}, or rename the model`,
          exit: "unavailable",
        }),
    ),
  ];
}

function isOurs({ metadata }: KubeObject): boolean {
  return metadata.labels?.["app.kubernetes.io/managed-by"] === "mlship";
}

/** Whether a Deployment's selector matches labels. */
function selects(deployment: KubeObject, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels, matchExpressions } = deploymentSchema.parse(deployment).spec.selector;
  return (
    Object.entries(matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
    (matchExpressions ?? []).every((one) => holds(one, labels[one.key]))
  );
}

function holds({ operator, values }: Expression, value: string | undefined): boolean {
  const isNamed = value !== undefined && (values ?? []).includes(value);
  switch (operator) {
    case "In":
      return isNamed;
    case "NotIn":
      return !isNamed;
    case "Exists":
      return value !== undefined;
    default:
      return value === undefined;
  }
}
