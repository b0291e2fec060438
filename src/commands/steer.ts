// `mlship promote` and `mlship abort`: a person decides for the rollout that another command drives.
import { MlshipError } from "../errors.ts";
import type { Wish } from "../rollout/ports.ts";
import type { Rollout } from "../rollout/record.ts";
import { askDriver, drivenNow } from "./ask-driver.ts";
import type { Host } from "./host.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";
import { setRight } from "./roll.ts";
import { openSiteToChange } from "./site.ts";

/** mlship.steer/v1: what was asked for, and what came of it. */
export interface SteerDocument extends ResultDocument {
  schema: "mlship.steer/v1";
  name: string;
  channel: string;
  place: string;
  wish: Wish;
  /** What a dead driver had left, and what was done about it. */
  found: string[];
  /** The version of the rollout that was steered; null when only leftovers were set right. */
  version: string | null;
  outcome: Rollout["outcome"];
  serving: string | null;
  endpoint: string | null;
}

/**
 * Leaves the wish for the driver and waits until the rollout has moved. Without a living driver an
 * unfinished rollout is set right instead, which is what `abort` is for and what `promote` cannot use.
 */
export async function steer(
  wish: Wish,
  { yes }: { yes: boolean },
  host: Host,
  selection: ProjectOptions,
): Promise<Result<SteerDocument>> {
  const site = await openSiteToChange(host, selection, `mlship ${wish}`, yes);
  const { project, target } = site;
  const { name } = project.config;
  const about = {
    schema: "mlship.steer/v1",
    name,
    channel: project.channel,
    place: target.place,
    wish,
  } as const;
  const finish = async (
    more: Pick<SteerDocument, "found" | "version" | "outcome">,
  ): Promise<Result<SteerDocument>> => {
    const { stable, endpoint } = await target.observe();
    return { document: { ...about, ...more, serving: stable?.version ?? null, endpoint }, exit: "done" };
  };
  const driven = await drivenNow(site);
  if (driven !== null) {
    const outcome = await askDriver(site, wish, driven);
    return await finish({ found: [], version: driven.record.to.version, outcome });
  }
  const record = await target.records.load();
  const { found } = await setRight(site);
  const after = await target.records.load();
  if (found.length === 0 || wish === "promote") throw nothingUnderWay(wish, name, found);
  return await finish({ found, version: record?.to.version ?? null, outcome: after?.outcome ?? null });
}

function nothingUnderWay(wish: Wish, name: string, found: string[]): MlshipError {
  return new MlshipError({
    code: "steer.nothing",
    what: `no rollout of ${name} is under way that could be ${wish === "promote" ? "promoted" : "aborted"}`,
    ...(found.length === 0 ? {} : { why: found.join(" ") }),
    fix:
      wish === "promote" ? "begin one with mlship deploy" : "mlship rollback goes back to the version before",
    exit: "usage",
  });
}
