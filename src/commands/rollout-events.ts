// `--events FILE`: what happens in a rollout as JSON lines, for programs that follow it.
import { appendFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { MlshipError } from "../errors.ts";
import type { News } from "../rollout/driver.ts";
import type { Rollout } from "../rollout/record.ts";
import type { Host } from "./host.ts";
import { rolloutViewSchema, viewOf } from "./rollout-view.ts";

/** Schema of `mlship.event/v1`: one line of the file. */
export const rolloutEventSchema = z.strictObject({
  schema: z.literal("mlship.event/v1"),
  /** From 1 for each command. */
  seq: z.int().positive(),
  /** ISO 8601. */
  at: z.iso.datetime(),
  name: z.string(),
  channel: z.string(),
  version: z.string(),
  /** Id of the rollout; null in a note before it began. */
  rollout: z.string().nullable(),
  /**
   * moved: something was decided or seen, `text` says what. measured: the counters were read. note:
   * something that is no part of the rollout. ended: `outcome` says how.
   */
  event: z.enum(["moved", "measured", "note", "ended"]),
  text: z.string(),
  /** The rollout after the event; null in a note before it began. */
  view: rolloutViewSchema.nullable(),
  outcome: z.string().nullable(),
  /** Why it ended so; null when it was promoted, and before its end. */
  why: z.string().nullable(),
});
export type RolloutEvent = z.infer<typeof rolloutEventSchema>;

/** What the driver tells, as far as it is shown. */
export type Told =
  | Pick<Extract<News, { type: "moved" }>, "type" | "rollout" | "text">
  | Pick<Extract<News, { type: "measured" }>, "type" | "rollout">
  | Extract<News, { type: "note" }>;

/** Takes what the driver tells. */
export interface Listener {
  news: (news: Told) => void;
  /** With the finished rollout, or null after an error. */
  end: (rollout: Rollout | null) => void;
}

/** The file of a command, opened before anything is done. */
export type OpenEvents = (about: Pick<RolloutEvent, "name" | "channel" | "version">) => Listener;

const deaf: Listener = { news: () => {}, end: () => {} };

/**
 * Events are appended whole, line by line, so that a reader beside this process and a killed process
 * meet no half of one. A write that fails later is told once, and the rollout goes on.
 * @throws MlshipError `events.unwritable`, exit 2, when the file cannot be written now
 */
export function openEvents(file: string | undefined, host: Host): OpenEvents {
  if (file === undefined) return () => deaf;
  const place = path.resolve(host.cwd, file);
  try {
    appendFileSync(place, "");
  } catch (cause) {
    throw new MlshipError({
      code: "events.unwritable",
      what: `events cannot be written to ${file}`,
      why: cause instanceof Error ? cause.message : String(cause),
      fix: "name a file in a folder that is there and that you may write to",
      exit: "usage",
      cause,
    });
  }
  let isBroken = false;
  const write = (event: RolloutEvent) => {
    if (isBroken) return;
    try {
      appendFileSync(place, `${JSON.stringify(event)}\n`);
    } catch (error) {
      isBroken = true;
      const why = error instanceof Error ? error.message : String(error);
      host.progress.note(`no more events are written to ${file}: ${why}`);
    }
  };
  return (about) => listen(about, host, write);
}

function listen(
  about: Pick<RolloutEvent, "name" | "channel" | "version">,
  host: Host,
  write: (event: RolloutEvent) => void,
): Listener {
  let seq = 0;
  let known: Rollout | null = null;
  const tell = (event: RolloutEvent["event"], text: string) => {
    seq += 1;
    const ended = event === "ended" ? known : null;
    const why = ended?.why ?? null;
    write({
      schema: "mlship.event/v1",
      seq,
      at: host.clock.now().toISOString(),
      ...about,
      rollout: known?.id ?? null,
      event,
      text,
      view: known === null ? null : viewOf(known),
      outcome: ended?.outcome ?? null,
      why: why === null ? null : [why.what, why.why].filter((part) => part !== null).join(": "),
    });
  };
  return {
    news(news) {
      if (news.type !== "note") known = news.rollout;
      tell(news.type, news.type === "measured" ? "" : news.text);
    },
    end(rollout) {
      if (rollout === null) return tell("note", "the command ended before the rollout did");
      known = rollout;
      tell("ended", rollout.outcome ?? "unfinished");
    },
  };
}
