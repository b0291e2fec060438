// Who else writes the objects that a rollout writes: another project, another channel, a GitOps controller.
import { z } from "zod";
import { channelAnnotation } from "../../../cluster/names.ts";
import { MlshipError } from "../../../errors.ts";
import type { KubeObject } from "../ports.ts";
import { refuseForeign } from "../lock/fence-refusals.ts";

/** Annotation by which a person says that the rule of `fix` is in place. */
const settled = "mlship.dev/gitops";

const managersSchema = z.array(z.looseObject({ manager: z.string().optional() })).catch([]);

/** How a GitOps controller is told to leave an object alone. */
interface Gitops {
  name: string;
  /** Prefixes of the labels and annotations that it puts on what it owns. */
  marks: readonly string[];
  /** Field managers that it writes as. */
  managers: readonly string[];
  /** Annotations with which the object says that it leaves it alone. */
  spared: Readonly<Record<string, readonly string[]>>;
  rule(object: KubeObject): string;
}

const controllers: readonly Gitops[] = [
  {
    name: "Argo CD",
    marks: ["argocd.argoproj.io/"],
    managers: ["argocd-controller", "argocd-application-controller"],
    spared: { [settled]: ["ignored"] },
    rule: ({ apiVersion, kind, metadata }) => {
      const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : '""';
      return [
        `add this to the Application, and the annotation ${settled}: ignored to ${kind} ${metadata.name} in git:`,
        "spec:",
        "  syncPolicy: { syncOptions: [RespectIgnoreDifferences=true] }",
        "  ignoreDifferences:",
        `    - { group: ${group}, kind: ${kind}, name: ${metadata.name}, managedFieldsManagers: [mlship] }`,
      ].join("\n");
    },
  },
  {
    name: "Flux",
    marks: ["kustomize.toolkit.fluxcd.io/"],
    managers: ["kustomize-controller"],
    spared: { "kustomize.toolkit.fluxcd.io/ssa": ["Ignore", "IfNotPresent"], [settled]: ["ignored"] },
    rule: ({ kind, metadata }) =>
      `annotate ${kind} ${metadata.name} in git with kustomize.toolkit.fluxcd.io/ssa: IfNotPresent`,
  },
  {
    name: "Flux (Helm)",
    marks: ["helm.toolkit.fluxcd.io/"],
    managers: ["helm-controller"],
    spared: { "helm.toolkit.fluxcd.io/driftDetection": ["disabled"], [settled]: ["ignored"] },
    rule: ({ kind, metadata }) =>
      [
        `annotate ${kind} ${metadata.name} in the chart with helm.toolkit.fluxcd.io/driftDetection: disabled, and add this to the HelmRelease:`,
        "spec:",
        "  driftDetection:",
        "    ignore:",
        `      - { paths: [""], target: { kind: ${kind}, name: ${metadata.name} } }`,
      ].join("\n"),
  },
];

/** The findings for one object that is there already, and that the rollout would write. */
export function checkOwners(object: KubeObject, channel: string): MlshipError[] {
  const gitops = ownerOf(object);
  if (gitops !== null) return [gitops];
  try {
    refuseForeign(object);
  } catch (error) {
    if (error instanceof MlshipError) return [error];
    throw error;
  }
  const other = object.metadata.annotations?.[channelAnnotation];
  return other === undefined || other === channel ? [] : [ofChannel(object, other, channel)];
}

function ownerOf(object: KubeObject): MlshipError | null {
  const { kind, metadata } = object;
  const marks = Object.entries({ ...metadata.labels, ...metadata.annotations });
  const managers = new Set(managersSchema.parse(metadata["managedFields"]).map(({ manager }) => manager));
  for (const controller of controllers) {
    const spared = marks.some(([name, value]) => controller.spared[name]?.includes(value));
    if (spared) continue;
    const mark = marks.find(
      ([name]) => controller.marks.some((prefix) => name.startsWith(prefix)) && !(name in controller.spared),
    );
    const manager = controller.managers.find((name) => managers.has(name));
    if (mark === undefined && manager === undefined) continue;
    return new MlshipError({
      code: "preflight.gitops",
      what: `${controller.name} owns ${kind} ${metadata.name}, and would undo what a rollout writes to it`,
      why: manager === undefined ? `it is marked ${mark?.join("=") ?? ""}` : `${manager} writes its fields`,
      fix: controller.rule(object),
      exit: "unavailable",
    });
  }
  return null;
}

function ofChannel({ kind, metadata }: KubeObject, other: string, channel: string): MlshipError {
  return new MlshipError({
    code: "preflight.channel",
    what: `${kind} ${metadata.name} belongs to channel ${other}, and this is a deployment to ${channel}`,
    why: "two channels in one namespace would take each other's traffic",
    fix: `give each environment a namespace of its own: deploy.namespace below environments.${channel}`,
    exit: "usage",
  });
}
