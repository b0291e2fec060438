// A driver of one rollout as a process of its own, so that a test can kill it at any instant.
// Usage: node driver.ts JSON. Says what happens as JSON lines on stdout, the finished record last.
import { Site, type Variant } from "../kit.ts";
import { ship } from "./ship.ts";
import { openKitTarget, releaseOf } from "./target.ts";

/** What it drives. */
export interface Drive {
  namespace: string;
  name: string;
  /** What may run; the last is shipped. */
  variants: Variant[];
}

/** One line of its output. `at`: milliseconds since 1970. */
export type Said =
  | {
      type: "measured";
      at: number;
      share: number;
      wanted: number;
      canary: { requests: number; errors: number };
      failed: number;
    }
  | { type: "moved"; at: number; phase: string; text: string }
  | { type: "note"; at: number; text: string }
  | { type: "ended"; at: number; outcome: string | null; why: string | null; said: string[] };

const { namespace, name, variants } = JSON.parse(process.argv[2] ?? "") as Drive;
const site = new Site(namespace, name);
const releases = variants.map((variant) => releaseOf(site, variant));
const last = releases.at(-1);
if (last === undefined) throw new Error("nothing to drive");
const opened = await openKitTarget(site, releases);
const tell = (said: Said) => process.stdout.write(`${JSON.stringify(said)}\n`);
const interrupted = new AbortController();
process.once("SIGINT", () => interrupted.abort(new Error("interrupted")));
try {
  const { rollout, said } = await ship(
    opened,
    last,
    (news) => {
      const at = Date.now();
      if (news.type === "note") tell({ type: "note", at, text: news.text });
      else if (news.type === "moved") tell({ type: "moved", at, phase: news.rollout.phase, text: news.text });
      else {
        const { share, canary, failed } = news.measurement;
        tell({ type: "measured", at, share, wanted: news.rollout.share, canary, failed });
      }
    },
    interrupted.signal,
  );
  tell({ type: "ended", at: Date.now(), outcome: rollout.outcome, why: rollout.why?.code ?? null, said });
} catch (error) {
  const why = error instanceof Error && "code" in error ? String(error.code) : String(error);
  tell({ type: "ended", at: Date.now(), outcome: null, why, said: [] });
} finally {
  opened.cluster.close();
}
