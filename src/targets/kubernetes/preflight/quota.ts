// Whether the namespace's quotas admit what a rollout adds while stable keeps running.
import { z } from "zod";
import { MlshipError } from "../../../errors.ts";
import type { KubeObject } from "../ports.ts";
import type { Amounts } from "./demand.ts";
import { quantityOf } from "../../../cluster/quantity.ts";

const given = z.record(z.string(), z.union([z.string(), z.number()])).nullish();
const quotaSchema = z.looseObject({
  spec: z
    .looseObject({ scopes: z.array(z.string()).nullish(), scopeSelector: z.unknown().optional() })
    .nullish(),
  status: z.looseObject({ hard: given, used: given }).nullish(),
});

/** Older names of what a quota counts. */
const aliases: Readonly<Record<string, string>> = {
  cpu: "requests.cpu",
  memory: "requests.memory",
  "ephemeral-storage": "requests.ephemeral-storage",
  "count/pods": "pods",
};

/** Scopes that serving pods are in: they have requests, and no deadline of their own. */
const ours = new Set(["NotTerminating", "NotBestEffort"]);

/**
 * The findings for quotas that are too small.
 * @param demand of all pods that the rollout adds at the same time
 */
export function checkQuotas(quotas: readonly KubeObject[], demand: Amounts): MlshipError[] {
  return quotas.flatMap((quota) => {
    const { spec, status } = quotaSchema.parse(quota);
    // What a quota of pods with a certain priority counts is not known here.
    if (spec?.scopeSelector !== undefined || !(spec?.scopes ?? []).every((scope) => ours.has(scope)))
      return [];
    const short = Object.entries(status?.hard ?? {}).flatMap(([name, hard]) => {
      const wanted = demand.get(aliases[name] ?? name) ?? 0;
      const most = quantityOf(hard);
      const used = quantityOf(status?.used?.[name] ?? 0) ?? 0;
      if (wanted === 0 || most === null || used + wanted <= most) return [];
      return [`${name}: ${show(used)} of ${show(most)} are used, and the rollout needs ${show(wanted)} more`];
    });
    if (short.length === 0) return [];
    const { name } = quota.metadata;
    return [
      new MlshipError({
        code: "preflight.quota",
        what: `ResourceQuota ${name} does not admit the new version beside the one that serves`,
        why: short.join("; "),
        fix: "have the quota raised, or lower deploy.replicas.min or deploy.resources",
        exit: "unavailable",
      }),
    ];
  });
}

/** `1.5`, `512Mi`: whole units where the amount has them. */
function show(amount: number): string {
  for (const [unit, size] of [
    ["Gi", 2 ** 30],
    ["Mi", 2 ** 20],
  ] as const)
    if (amount >= size && Number.isInteger((amount * 4) / size)) return `${amount / size}${unit}`;
  return String(Math.round(amount * 1000) / 1000);
}
