// One process driving one rollout: the only file of the room that acts, waits and saves.
import { MlshipError } from "../errors.ts";
import { failureOf } from "./event.ts";
import type { Happening } from "./event.ts";
import type { GoldenRows } from "./golden.ts";
import { Inquiry } from "./inquiry.ts";
import { entryOf } from "./ledger.ts";
import type { Ledger } from "./ledger.ts";
import { LockKeeper } from "./lock-keeper.ts";
import { next } from "./machine.ts";
import type { HeldLock, Holder, Measurement, Metrics, Revision, Target } from "./ports.ts";
import { isFinished } from "./record.ts";
import type { Action, Rollout } from "./record.ts";

/** What the driver needs of time. */
interface Clock {
  now(): Date;
  /** Milliseconds that never go back. */
  monotonic(): number;
  /** Rejects when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** What the driver tells while it works. */
export type News =
  | { type: "moved"; rollout: Rollout; text: string }
  | { type: "measured"; rollout: Rollout; measurement: Measurement }
  | { type: "note"; text: string };

/** Whom the driver works for, and with what. */
export interface Driving {
  target: Target;
  ledger: Ledger;
  holder: Holder;
  clock: Clock;
  /** Aborted by Ctrl-C: the canary is taken back. */
  signal: AbortSignal;
  onEvent: (news: News) => void;
  /** Milliseconds from one reading of the counters to the next; 1000 unless given. */
  scrapeMs?: number;
  /** Answers the plan's queries. */
  metrics?: Metrics | null;
}

/** How long reading the counters may take. */
const measureMs = 5000;

/** Event, record, act, under one lock. */
export class Driver {
  readonly #driving: Driving;
  readonly #lock: LockKeeper;
  readonly #golden: GoldenRows | null;
  readonly #scrapeMs: number;
  readonly #inquiry: Inquiry;
  readonly #began: number;
  #rollout: Rollout;
  #isTold = false;
  /** When the last reading of the counters began. */
  #readAt = Number.NEGATIVE_INFINITY;
  /** Whether it saw the share in force: only who sees may renew it. */
  #sees = false;
  /** A wish to promote that came before there was anything to move on. */
  #kept: Happening | null = null;

  constructor(driving: Driving, held: HeldLock, golden: GoldenRows | null, rollout: Rollout) {
    this.#driving = driving;
    this.#lock = new LockKeeper(held, driving.clock);
    this.#golden = golden;
    this.#rollout = rollout;
    this.#scrapeMs = driving.scrapeMs ?? 1000;
    this.#inquiry = new Inquiry(driving.metrics ?? null, driving.clock);
    this.#began = driving.clock.monotonic() - rollout.volatile.elapsedMs;
  }

  /** Event, record, act: until there is nothing left to do. */
  async run(first: Happening | null): Promise<Rollout> {
    let happening = first;
    for (;;) {
      if (happening !== null) await this.#take(happening);
      const { action } = this.#rollout;
      if (action === null) return this.#rollout;
      if (action.do === "give-up") throw this.#stuck();
      const isEarly = happening?.type === "failed" || (happening?.type === "whole" && action.do === "whole");
      if (isEarly) await this.#driving.clock.sleep(this.#scrapeMs);
      happening = this.#interruption() ?? (await this.#lock.renew()) ?? (await this.#perform(action));
    }
  }

  /** Moves the machine on and saves the record: the intent is on disk before anything is done. */
  async #take(happening: Happening): Promise<void> {
    const { clock, target, onEvent } = this.#driving;
    const before = this.#rollout;
    const at = Math.max(before.volatile.elapsedMs, clock.monotonic() - this.#began);
    const { rollout, action } = next(before, { ...happening, at });
    if (action?.do === "stop") throw this.#lock.lost;
    const endedAt = isFinished(rollout) ? clock.now().toISOString() : null;
    const volatile = { ...rollout.volatile, elapsedMs: at, endedAt };
    this.#rollout = { ...rollout, volatile, holder: { ...rollout.holder, epoch: this.#lock.epoch } };
    if ((await this.#lock.renew()) !== null) throw this.#lock.lost;
    await target.records.save(this.#rollout);
    const seen = before.log.at(-1)?.seq ?? -1;
    for (const { seq, kind, action: text } of rollout.log) {
      if (seq > seen && kind !== "done") onEvent({ type: "moved", rollout: this.#rollout, text });
    }
    if (happening.type === "measured") {
      onEvent({ type: "measured", rollout: this.#rollout, measurement: happening.measurement });
    }
  }

  /** Does one action and says what came of it. */
  async #perform(action: Action): Promise<Happening> {
    try {
      if (action.do === "measure") return await this.#measure();
      if (action.do === "whole")
        return (await this.#wish()) ?? (await this.#beating(this.#act(action), true));
      // The longest two can be broken off; the others are short and leave something half done.
      const canBreak = action.do === "start" || action.do === "golden";
      return await this.#beating(this.#act(action), canBreak);
    } catch (error) {
      return { type: "failed", failure: failureOf(error) };
    }
  }

  async #act(action: Action): Promise<Happening> {
    const { target, ledger, clock } = this.#driving;
    const { fleet, traffic } = target;
    const { from, to, plan } = this.#rollout;
    if (action.do === "read") return { type: "read", observed: await target.observe() };
    if (action.do === "preflight") await target.preflight(to);
    if (action.do === "start") {
      await fleet.start(to);
      await fleet.ready(to, plan.startTimeoutMs);
    }
    if (action.do === "golden" && this.#golden !== null) {
      const answers = await fleet.predict(to, this.#golden.columns);
      return { type: "golden", result: this.#golden.compare(answers) };
    }
    if (action.do === "set") await traffic.set(to, action.share);
    if (action.do === "fallback") await traffic.fallback();
    if (action.do === "expand") await fleet.expand(to);
    if (action.do === "whole") return { type: "whole", isWhole: await fleet.isWhole(to) };
    if (action.do === "promote") await fleet.promote(to);
    if (action.do === "revert" && from !== null) {
      // Warm as a rule: then the way back is one write, and nothing stands before it.
      if (!(await fleet.isWhole(from))) {
        await fleet.expand(from);
        await this.#whole(from);
      }
      await fleet.promote(from);
    }
    const leaving = action.do === "retire" ? (action.which === "to" ? to : from) : null;
    if (leaving !== null) await fleet.retire(leaving);
    if (action.do === "ledger") await ledger.append(entryOf(this.#rollout, clock.now()));
    return { type: "acted" };
  }

  /** Waits for the full set of the revision to go back to. */
  async #whole(revision: Revision): Promise<void> {
    const { target, clock } = this.#driving;
    const { startTimeoutMs } = this.#rollout.plan;
    const until = clock.monotonic() + startTimeoutMs;
    while (!(await target.fleet.isWhole(revision))) {
      if (clock.monotonic() >= until) {
        throw new MlshipError({
          code: "rollout.not-ready",
          what: `the full set of ${revision.version} did not become ready again`,
          why: `not all of its servers were ready after ${startTimeoutMs / 1000} s`,
          fix: "see `mlship status` for what its servers wait for",
          exit: "gate",
        });
      }
      await clock.sleep(this.#scrapeMs);
    }
  }

  /**
   * Reads the counters, one scrape interval after the last reading began. The share that was seen in
   * force then is renewed meanwhile: not before what was seen is judged, and never after this is over.
   */
  async #measure(): Promise<Happening> {
    const renewed = this.#sees && this.#rollout.share > 0 ? this.#renewShare() : Promise.resolve();
    this.#sees = false;
    try {
      return (await this.#pause()) ?? (await this.#read());
    } finally {
      await renewed;
    }
  }

  /** Waits for the next reading. Gives what comes before it. */
  async #pause(): Promise<Happening | null> {
    const { clock, signal } = this.#driving;
    const { phase, evidence } = this.#rollout;
    // Right after a share came into force the counters are read at once: that is where tests begin.
    const isFirst = evidence.mixed && evidence.lost === 0 && (phase === "verify" || phase === "bake");
    const rest = this.#readAt + this.#scrapeMs - clock.monotonic();
    try {
      // A target that answers slowly is not asked without a pause.
      const pause = Math.max(rest, this.#scrapeMs / 4);
      if (!isFirst) await clock.sleep(pause, this.#isTold ? undefined : signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return this.#interruption() ?? (await this.#lock.renew()) ?? (await this.#wish());
  }

  async #read(): Promise<Happening> {
    const { target, clock } = this.#driving;
    const { phase } = this.#rollout;
    this.#readAt = clock.monotonic();
    const late = new AbortController();
    try {
      const measured = target.traffic.measured();
      const measurement = await Promise.race([measured, this.#tooLate(late.signal)]);
      const lost = await this.#lock.renew();
      if (lost !== null) return lost;
      this.#sees = measurement.share > 0;
      return { type: "measured", measurement, inquired: this.#inquiry.next(this.#rollout) };
    } catch (error) {
      const failure = failureOf(error);
      // Who takes everything back does not ask again who else was at work.
      const isOver = failure.code === "rollout.moved" && phase !== "abort";
      return isOver ? { type: "failed", failure } : { type: "unmeasured", why: failure.what };
    } finally {
      late.abort();
    }
  }

  /** A share that could not be renewed falls to 0: the next reading shows it, and it is set again. */
  async #renewShare(): Promise<void> {
    const { target, onEvent } = this.#driving;
    await target.traffic.renew().catch((error: unknown) => {
      // A promotion under way takes the share away itself.
      if (this.#rollout.phase === "promote") return;
      onEvent({ type: "note", text: `the canary's share was not renewed: ${failureOf(error).what}` });
    });
  }

  async #tooLate(signal: AbortSignal): Promise<never> {
    await this.#driving.clock.sleep(measureMs, signal);
    throw new MlshipError({
      code: "rollout.measure-timeout",
      what: `the counters could not be read within ${measureMs / 1000} s`,
      exit: "unavailable",
    });
  }

  /** Renews the lock while something takes long; breaks it off for Ctrl-C or an abort if it may. */
  async #beating(work: Promise<Happening>, canBreak: boolean): Promise<Happening> {
    const over = new AbortController();
    try {
      return await Promise.race([work, this.#beat(over.signal, canBreak)]);
    } finally {
      over.abort();
    }
  }

  async #beat(over: AbortSignal, canBreak: boolean): Promise<Happening> {
    for (;;) {
      await this.#driving.clock.sleep(this.#scrapeMs, over);
      const lost = await this.#lock.renew();
      if (lost !== null) return lost;
      // While the full set is proven and takes over, the canary goes on serving its share.
      if (this.#rollout.share > 0) await this.#renewShare();
      if (!canBreak) continue;
      const news = this.#interruption() ?? (await this.#wish());
      if (news?.type === "wish" && news.wish === "promote") this.#kept = news;
      else if (news !== null) return news;
    }
  }

  /** Ctrl-C, once. */
  #interruption(): Happening | null {
    if (this.#isTold || !this.#driving.signal.aborted) return null;
    this.#isTold = true;
    return { type: "interrupted" };
  }

  async #wish(): Promise<Happening | null> {
    const kept = this.#kept;
    this.#kept = null;
    if (kept !== null) return kept;
    const wish = await this.#driving.target.records.takeWish();
    return wish === null ? null : { type: "wish", wish };
  }

  #stuck(): MlshipError {
    const last = this.#rollout.log.findLast((entry) => entry.kind === "observed");
    return new MlshipError({
      code: "rollout.stuck",
      what: `the target did not do what ended the rollout of ${this.#rollout.to.version} asked for`,
      ...(last === undefined ? {} : { why: last.action }),
      fix: "see `mlship status`; the next command takes the rollout up again",
      exit: "attention",
    });
  }
}
