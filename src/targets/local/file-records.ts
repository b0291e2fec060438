// The rollout's record and a person's wish, as files.
import { randomBytes } from "node:crypto";
import { renameSync, rmSync } from "node:fs";
import { z } from "zod";
import type { Records, Wish } from "../../rollout/ports.ts";
import { readRollout } from "../../rollout/record.ts";
import type { Rollout } from "../../rollout/record.ts";
import { failedWith, readJson, replaceJson } from "./durable.ts";
import type { Places } from "./places.ts";

const wishSchema = z.strictObject({ wish: z.enum(["promote", "abort"]) });

/** Files that are replaced in one step. */
export class FileRecords implements Records {
  readonly #places: Places;

  constructor(places: Places) {
    this.#places = places;
  }

  async load(): Promise<Rollout | null> {
    const document = readJson(this.#places.record, z.unknown());
    return document === null ? null : readRollout(document);
  }

  async save(rollout: Rollout): Promise<void> {
    replaceJson(this.#places.record, rollout);
  }

  async wish(wish: Wish): Promise<void> {
    replaceJson(this.#places.wish, { wish });
  }

  async takeWish(): Promise<Wish | null> {
    // Taken by its new name: a wish that is left meanwhile is a new file and stays.
    const taken = `${this.#places.wish}.${randomBytes(6).toString("hex")}.taken`;
    try {
      renameSync(this.#places.wish, taken);
    } catch (cause) {
      if (failedWith(cause, "ENOENT")) return null;
      throw cause;
    }
    const wish = readJson(taken, wishSchema);
    rmSync(taken, { force: true });
    return wish?.wish ?? null;
  }
}
