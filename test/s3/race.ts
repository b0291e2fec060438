// Many publishers and promoters at once, round after round, and what must hold after each round.
import { randomUUID } from "node:crypto";
import { readNewest } from "../../src/artifacts/channel.ts";
import { appendMove } from "../../src/artifacts/move.ts";
import type { ObjectStore } from "../../src/artifacts/ports.ts";
import { releaseOf } from "../../src/artifacts/versions.ts";
import { MlshipError } from "../../src/errors.ts";
import { exampleRelease } from "../unit/artifacts/example.ts";
import { model, publishExample } from "./actions.ts";

/** A log's entries cost each promoter a listing; so many rounds share a log. */
const roundsOfLog = 50;

/** Contents that compete for one version. */
const contents = 4;

/**
 * In each round half of the writers publish one new version with different contents, while the other
 * half want different versions to serve after the same one.
 * @param writers each a store of its own
 * @returns what went wrong, in words; empty when in each round one content got the version, all of
 *   its publishers and nobody else were told so, and one promoter moved the channel.
 */
export async function race(writers: readonly ObjectStore[], rounds: number, first = 0): Promise<string[]> {
  const wrong: string[] = [];
  const publishers = writers.slice(0, writers.length / 2);
  const promoters = writers.slice(writers.length / 2);
  for (let round = first; round < first + rounds; round += 1) {
    const [published, moved] = await Promise.all([
      Promise.all(publishers.map((store, index) => publishIn(round, store, index % contents))),
      Promise.all(promoters.map((store, index) => promoteIn(round, store, index))),
    ]);
    const [store] = writers;
    if (store === undefined) throw new TypeError("a race needs writers");
    wrong.push(...(await judge(store, round, published, moved)).map((what) => `round ${round}: ${what}`));
  }
  return wrong;
}

const versionOf = (round: number) => `${round}.0.0`;
const channelOf = (round: number) => `race-${Math.floor(round / roundsOfLog)}`;
const contentOf = (round: number, content: number) =>
  exampleRelease(versionOf(round), `weights ${content} of ${round}`);

type Outcome = { content: number; told: "created" | "there" | "taken" };

async function publishIn(round: number, store: ObjectStore, content: number): Promise<Outcome> {
  try {
    return { content, told: (await publishExample(store, contentOf(round, content))) ? "created" : "there" };
  } catch (error) {
    if (error instanceof MlshipError && error.code === "version.exists") return { content, told: "taken" };
    throw error;
  }
}

/** Wants a version of its own to serve after the one that the last round made serve. */
async function promoteIn(round: number, store: ObjectStore, index: number): Promise<string | null> {
  const serves = (await readNewest(store, model, channelOf(round), 1)).at(-1);
  // A promoter of this round was faster already; this one decides as if it had not seen it.
  const expected = serves?.reason === String(round) ? serves.from : (serves?.to ?? null);
  const nonce = randomUUID();
  try {
    await appendMove(store, model, channelOf(round), {
      action: "promote",
      version: `${round}.${index}.1`,
      expected,
      release: null,
      reason: String(round),
      evidence: null,
      actor: "ada@loom",
      nonce,
      at: new Date().toISOString(),
    });
    return nonce;
  } catch (error) {
    if (error instanceof MlshipError && error.code === "channel.moved") return null;
    throw error;
  }
}

async function judge(
  store: ObjectStore,
  round: number,
  published: readonly Outcome[],
  moved: readonly (string | null)[],
): Promise<string[]> {
  const wrong: string[] = [];
  const named = await releaseOf(store, model, versionOf(round));
  for (const { content, told } of published) {
    const isNamed = contentOf(round, content).release.digest === named;
    if (isNamed === (told === "taken")) wrong.push(`content ${content} was told "${told}"`);
  }
  const creators = published.filter(({ told }) => told === "created").length;
  if (creators !== 1) wrong.push(`${creators} were told that they had created the version`);
  const winners = moved.filter((nonce) => nonce !== null);
  const last = (await readNewest(store, model, channelOf(round), 1)).at(-1);
  if (winners.length !== 1 || last?.nonce !== winners[0]) wrong.push(`${winners.length} moved the channel`);
  return wrong;
}
