// One driver at a time: a folder with one file per lock epoch, of which the highest is the lock.
import { linkSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { randomBytes } from "node:crypto";
import path from "node:path";
import { z } from "zod";
import { MlshipError } from "../../errors.ts";
import type { HeldLock, Holder, Lock } from "../../rollout/ports.ts";
import { discard, failedWith, notWritten, readJson, replaceJson, writeThrough } from "./durable.ts";
import type { Processes } from "./ports.ts";

/** Milliseconds without renewal after which a holder is not live. */
export const LOCK_TTL_MS = 30_000;

const claimSchema = z.strictObject({
  holder: z.strictObject({
    id: z.string(),
    user: z.string(),
    host: z.string(),
    pid: z.int(),
    doing: z.string(),
    since: z.string(),
    url: z.string().exactOptional(),
  }),
  /** When the holder's process began; null when it could not be known. */
  began: z.string().nullable(),
  /** On the clock that all processes of the holder's machine share; milliseconds. */
  renewedAt: z.number(),
  released: z.boolean(),
});
type Claim = z.infer<typeof claimSchema>;

/** The highest epoch there is; 0 with no claim before the first. */
interface Latest {
  epoch: number;
  claim: Claim | null;
}

/**
 * A claim is made by linking a finished file to the next epoch's name: exactly one of several
 * processes succeeds, and no process ever writes to another's file. The highest file is never
 * removed, so that epochs only rise.
 */
export class FileLock implements Lock {
  readonly #folder: string;
  readonly #processes: Processes;
  readonly #taken: (epoch: number) => Promise<void>;
  /** When this process first saw a renewal of a holder on another machine, by its own clock. */
  #seen: { key: string; at: number } | null = null;

  /** @param taken told of each epoch that this process acquires, before anything is written under it */
  constructor(folder: string, processes: Processes, taken: (epoch: number) => Promise<void>) {
    this.#folder = folder;
    this.#processes = processes;
    this.#taken = taken;
  }

  async acquire(holder: Holder): Promise<HeldLock> {
    const began = (await this.#processes.identify(holder.pid))?.began ?? null;
    for (;;) {
      const latest = this.#latest();
      if (latest.claim !== null && (await this.#isLive(latest.claim))) throw locked(latest.claim.holder);
      const epoch = latest.epoch + 1;
      const claim = { holder, began, renewedAt: this.#processes.monotonic(), released: false };
      if (!this.#claim(epoch, claim) || this.#latest().epoch !== epoch) continue;
      this.#prune(epoch);
      await this.#taken(epoch);
      return this.#held(epoch, claim);
    }
  }

  async holder(): Promise<Holder | null> {
    const { claim } = this.#latest();
    return claim !== null && (await this.#isLive(claim)) ? claim.holder : null;
  }

  #held(epoch: number, claim: Claim): HeldLock {
    const write = (released: boolean): void =>
      replaceJson(this.#file(epoch), { ...claim, renewedAt: this.#processes.monotonic(), released });
    return {
      epoch,
      renew: async () => {
        const latest = this.#latest();
        if (latest.epoch !== epoch) throw lost(latest.claim?.holder ?? null);
        write(false);
      },
      release: async () => {
        if (this.#latest().epoch === epoch) write(true);
      },
    };
  }

  /** A process that is gone is not live; one that is there must have renewed within the lock's time. */
  async #isLive(claim: Claim): Promise<boolean> {
    if (claim.released) return false;
    const now = this.#processes.monotonic();
    if (claim.holder.host === this.#processes.host && claim.began !== null) {
      const found = await this.#processes.identify(claim.holder.pid);
      return found?.began === claim.began && now - claim.renewedAt < LOCK_TTL_MS;
    }
    // Clocks of two machines cannot be compared: only a renewal that stays away says something.
    const key = `${claim.holder.id} ${claim.renewedAt}`;
    if (this.#seen?.key !== key) this.#seen = { key, at: now };
    return now - this.#seen.at < LOCK_TTL_MS;
  }

  #latest(): Latest {
    const [epoch] = this.#epochs().toSorted((a, b) => b - a);
    if (epoch === undefined) return { epoch: 0, claim: null };
    const claim = readJson(this.#file(epoch), claimSchema);
    // Removed between the two looks: a later epoch is there by now.
    return claim === null ? this.#latest() : { epoch, claim };
  }

  #epochs(): number[] {
    try {
      return readdirSync(this.#folder).flatMap((name) =>
        /^\d+\.json$/.test(name) ? [parseInt(name, 10)] : [],
      );
    } catch (cause) {
      if (failedWith(cause, "ENOENT")) return [];
      throw cause;
    }
  }

  /** False when another process has claimed this epoch. */
  #claim(epoch: number, claim: Claim): boolean {
    const draft = path.join(this.#folder, `${randomBytes(6).toString("hex")}.tmp`);
    try {
      mkdirSync(this.#folder, { recursive: true });
      writeThrough(draft, JSON.stringify(claim));
      linkSync(draft, this.#file(epoch));
      return true;
    } catch (cause) {
      if (failedWith(cause, "EEXIST")) return false;
      throw notWritten(this.#file(epoch), cause);
    } finally {
      discard(draft);
    }
  }

  #prune(below: number): void {
    for (const epoch of this.#epochs()) if (epoch < below) rmSync(this.#file(epoch), { force: true });
  }

  #file(epoch: number): string {
    return path.join(this.#folder, `${epoch}.json`);
  }
}

function locked(holder: Holder): MlshipError {
  return new MlshipError({
    code: "rollout.locked",
    what: `\`${holder.doing}\` by ${holder.user} is at work on this deployment`,
    why: `process ${holder.pid} on ${holder.host} has held the lock since ${holder.since}`,
    fix: `wait for it, ask it to stop with \`mlship abort\`, or end process ${holder.pid}`,
    exit: "locked",
  });
}

function lost(holder: Holder | null): MlshipError {
  return new MlshipError({
    code: "rollout.lock-lost",
    what: "another process has taken over this rollout",
    why:
      holder === null
        ? `this one did not renew its lock for ${LOCK_TTL_MS / 1000} s`
        : `\`${holder.doing}\` by ${holder.user}, process ${holder.pid} on ${holder.host}, since ${holder.since}`,
    fix: "see `mlship status`, then run the command again",
    exit: "attention",
  });
}
