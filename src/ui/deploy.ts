// How a deploy, a rollback or an upload ended.
import type { DeployDocument } from "../commands/deploy.ts";
import type { RollbackDocument } from "../commands/rollback.ts";
import type { RolloutSummary } from "../commands/roll.ts";
import type { UploadDocument } from "../commands/upload.ts";
import { renderReport } from "./report.ts";
import type { Render, Screen } from "./screen.ts";
import { wrap } from "./table.ts";

/** The report when a gate refused the model, else what became of the rollout. */
export const renderDeploy: Render<DeployDocument> = (document, screen) => {
  const { report, rollout, plan, version, name, serving, endpoint } = document;
  const { style } = screen;
  if (report.verdict !== "pass") {
    const kept = serving === null ? "nothing serves" : `${serving} serves as before`;
    return `${renderReport(report, screen)}\n${style("bold", `${name} ${version} was not deployed`)}: nothing was started, ${kept}\n`;
  }
  if (rollout === null && plan !== null && plan.kind !== "none")
    return renderPlan(document, plan.steps, screen);
  if (rollout === null)
    return `${name} ${version} serves already at ${endpoint ?? "its target"}: nothing to do\n`;
  return `${outcome(`${version} was promoted`, version, rollout, screen)}${now(document, screen)}`;
};

/** The same for going back. */
export const renderRollback: Render<RollbackDocument> = (document, screen) => {
  const { to, rollout, tookBack } = document;
  if (tookBack !== null) {
    const by = tookBack.driver === null ? "its driver had died" : `by ${tookBack.driver}`;
    const done = screen.style("green", `✔ ${tookBack.version} was taken back`);
    return `${wrap(`${done}, ${by}`, screen.width, "  ")}\n${now(document, screen)}`;
  }
  if (rollout === null || to === null) return `${document.name} ${to} serves already: nothing to do\n`;
  return `${outcome(`rolled back to ${to}`, to, rollout, screen)}${now(document, screen)}`;
};

/** Where the release is, or why there is none. */
export const renderUpload: Render<UploadDocument> = ({ report, release, created, store }, screen) => {
  if (release === null)
    return `${renderReport(report, screen)}\n${screen.style("bold", "nothing was uploaded")}\n`;
  const { name, version, digest } = release;
  const done = created
    ? `uploaded ${name} ${version} to ${store}`
    : `${store} holds ${name} ${version} already`;
  return `${screen.style("green", done)}\n  release ${digest}\n${screen.style("dim", "next:")} mlship deploy\n`;
};

function renderPlan(
  { name, version, place, before }: DeployDocument,
  rollout: string[],
  { style, width }: Screen,
): string {
  const lines = [...before, ...rollout].map(
    (step, place_) => `${String(place_ + 1).padStart(3)}. ${wrap(step, width, "     ")}\n`,
  );
  return `${style("bold", `plan for ${name} ${version} to ${place}`)}\n${lines.join("")}nothing was stored or started: this was a dry run\n`;
}

function outcome(done: string, version: string, rollout: RolloutSummary, { style, width }: Screen): string {
  const { verdict, why, lastWords } = rollout;
  const counted = verdict !== null && verdict.canaryRequests > 0;
  if (rollout.outcome === "promoted") {
    const promoted = style("green", `✔ ${done}`);
    return `${wrap(counted ? `${promoted}: ${requests(verdict)}` : promoted, width, "  ")}\n`;
  }
  // What errors convict, the numbers that follow tell: there `why` holds them as they were a second earlier.
  const isTold = counted && !(why !== null && toldByWhy.has(why.code));
  const reasons = why === null ? [] : [why.what, ...(isTold || why.why === null ? [] : [why.why])];
  const head = style("red", `✖ ${version} ${words[rollout.outcome]}`);
  const lines = [wrap([head, ...reasons].join(": "), width, "  ")];
  if (counted) lines.push(`  ${wrap(requests(verdict), width, "  ")}`);
  if (lastWords !== null) lines.push(`  ${style("cyan", "log:")} ${wrap(lastWords, width, "       ")}`);
  if (why?.fix) lines.push(`  ${style("cyan", "fix:")} ${wrap(why.fix, width, "       ")}`);
  return lines.map((line) => `${line}\n`).join("");
}

/** What the counts of requests and errors do not show. */
const toldByWhy: ReadonlySet<string> = new Set([
  "rollout.inconclusive",
  "rollout.metric",
  "rollout.shifted",
  "rollout.slow",
]);

const words = {
  "rolled-back": "was taken back",
  inconclusive: "was not promoted",
  interrupted: "was taken back",
  failed: "failed",
} as const;

function requests({
  canaryRequests,
  canaryErrors,
  stableRequests,
  stableErrors,
  rescued,
  failed,
}: NonNullable<RolloutSummary["verdict"]>): string {
  const seen = failed === 0 ? "no user saw a failure" : `users saw ${failed} failures`;
  const saved = rescued > 0 ? `, ${rescued} of them answered by stable` : "";
  const other = `stable had ${stableRequests} meanwhile and failed ${stableErrors}`;
  return `its canary had ${canaryRequests} requests and failed ${canaryErrors}${saved}; ${other}; ${seen}`;
}

function now(
  { serving, endpoint }: { serving: string | null; endpoint: string | null },
  { style }: Screen,
): string {
  if (serving === null) return "  nothing serves\n";
  const at = endpoint === null ? "" : ` at ${endpoint}/predict`;
  return `  ${serving} serves everything${at}\n${style("dim", "next:")} mlship status\n`;
}
