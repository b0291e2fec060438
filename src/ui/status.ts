// What runs where and why.
import type { StatusDocument } from "../commands/status.ts";
import type { SteerDocument } from "../commands/steer.ts";
import type { StopDocument } from "../commands/stop.ts";
import { age } from "./age.ts";
import { rolloutFacts } from "./live-rollout.ts";
import type { Render } from "./screen.ts";
import { pad, wrap } from "./table.ts";

/** One line per fact: aligned on a terminal, name and value with a tab between elsewhere. */
export const renderStatus: Render<StatusDocument> = (document, screen) => {
  const { name, channel, place, stable, canary, previous, share, endpoint, expected, last, rollout, driver } =
    document;
  const split = document.split === null ? "" : `, split by ${document.split}`;
  const facts: [string, string][] = [["model", `${name}, channel ${channel}, ${place}${split}`]];
  facts.push([
    "serving",
    stable === null ? "nothing" : `${stable.version} at ${endpoint ?? "its target"}/predict`,
  ]);
  const seen = rollout === null ? [] : rolloutFacts(rollout.view);
  if (canary !== null) {
    const counted = seen.find(([fact]) => fact === "canary")?.[1];
    const now = `${canary.version} with ${Number((share * 100).toFixed(3))} % of requests`;
    facts.push(["canary", counted === undefined ? now : `${now}; so far ${counted}`]);
  }
  if (previous !== null) facts.push(["warm", `${previous.version}, without traffic`]);
  if (last !== null) {
    facts.push(["last", `${last.action} ${last.version}, ${age(last.at, document.at)} ago by ${last.actor}`]);
    facts.push(["why", last.reason]);
  }
  if (rollout !== null) {
    facts.push(["rollout", `of ${rollout.version}, in ${rollout.phase}: ${rollout.reason}`]);
    facts.push(...seen.filter(([fact]) => fact !== "canary"));
  }
  if (driver !== null)
    facts.push([
      "driver",
      `${driver.doing} by ${driver.user}@${driver.host}, process ${driver.pid}, since ${driver.since}${driver.url === undefined ? "" : `, ${driver.url}`}`,
    ]);
  if (rollout !== null && driver === null)
    facts.push(["driver", "none: it died. The next command finishes or takes the rollout back"]);
  if (stable?.version !== expected && expected !== null && rollout === null) {
    const doing = stable === null ? "nothing serves" : `${stable.version} serves`;
    facts.push([
      "problem",
      `${expected} should serve, but ${doing}: run mlship deploy or mlship rollback --to ${expected}`,
    ]);
  }
  if (!screen.terminal) return facts.map(([fact, value]) => `${fact}\t${value}\n`).join("");
  return facts
    .map(
      ([fact, value]) => `${screen.style("dim", pad(fact, 8))}  ${wrap(value, screen.width, "          ")}\n`,
    )
    .join("");
};

/** What a wish came to. */
export const renderSteer: Render<SteerDocument> = ({ wish, version, outcome, found, serving }, { width }) => {
  const told =
    found.length > 0 ? found.join(" ") : `${wish} of ${version ?? "the rollout"}: ${outcome ?? "under way"}`;
  return `${wrap(told, width)}\n${serving === null ? "nothing serves" : `${serving} serves`}\n`;
};

/** What was stopped. */
export const renderStop: Render<StopDocument> = ({ name, stopped, place }) =>
  stopped === null ? `nothing of ${name} serves on ${place}\n` : `stopped ${name} ${stopped} on ${place}\n`;
