// SIGKILL at every request of what is done to a store: nothing published is lost, rewritten or half visible.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleActor } from "../s3/actor-bundle.ts";
import { channel, collect, model, promote, publishExample, publishVersion, rollBack } from "../s3/actions.ts";
import { objectsInFake } from "../s3/all-objects.ts";
import { startFakeS3 } from "../s3/fake/server.ts";
import type { FakeS3 } from "../s3/fake/server.ts";
import { largeRelease } from "../s3/large-release.ts";
import { openStore, openSweeper } from "../s3/open-store.ts";
import { beginWorld } from "../s3/world.ts";
import type { World } from "../s3/world.ts";
import { servingIn } from "../../src/artifacts/channel.ts";
import { fetchVersion } from "../../src/artifacts/fetch.ts";
import type { ObjectStore } from "../../src/artifacts/ports.ts";

/** Killed processes that are under way at once: they wait for their start, not for the store. */
const atOnce = 2;
let fake: FakeS3;
let world: World;
let scratch: string;
let actor: string;

beforeAll(async () => {
  fake = await startFakeS3();
  world = await beginWorld(fake);
  scratch = mkdtempSync(join(tmpdir(), "mlship-kills-"));
  actor = await bundleActor(scratch);
});

afterAll(async () => {
  await fake.close();
  rmSync(scratch, { recursive: true, force: true });
});

/**
 * Runs an action in a process of its own that is killed at its n-th request: when the request has
 * arrived, or when the server has done what it asks and not said so. Where the process ends before
 * that, it must have ended well.
 * @returns whether it was killed.
 */
async function runKilled(
  action: string[],
  bucket: string,
  at: number,
  when: "met" | "acted",
): Promise<boolean> {
  const child = spawn(process.execPath, [actor, fake.url, bucket, ...action, scratch], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (text: Buffer) => (said += text.toString()));
  let seen = 0;
  const kill = () => child.kill("SIGKILL");
  fake.faults.add({
    when: (request) => request.bucket === bucket && (seen += 1) === at,
    fault: when === "met" ? { kind: "cut-request", after: 0 } : { kind: "lose-reply" },
    [when]: kill,
  });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  if (signal !== "SIGKILL") expect([code, said]).toEqual([0, ""]);
  return signal === "SIGKILL";
}

interface Case {
  action: string[];
  /** Does the same again, and looks whether it is done. */
  finish: (store: ObjectStore, bucket: string) => Promise<void>;
}

const cases: Record<string, Case> = {
  publish: {
    action: ["publish", "3.0.0"],
    async finish(store) {
      await publishVersion(store, "3.0.0");
      expect((await fetchVersion(store, model, "3.0.0")).version).toBe("3.0.0");
    },
  },
  "publish of a large model": {
    action: ["publish-large", "3.0.0"],
    async finish(store, bucket) {
      await publishExample(store, largeRelease("3.0.0", scratch));
      expect((await fetchVersion(store, model, "3.0.0")).version).toBe("3.0.0");
      expect(fake.bucket(bucket).uploads.size).toBe(0);
    },
  },
  promote: {
    action: ["promote", "1.0.0"],
    async finish(store) {
      await promote(store, "1.0.0");
      expect(await servingIn(store, model, channel)).toBe("1.0.0");
    },
  },
  rollback: {
    action: ["roll-back", "2.0.0"],
    async finish(store) {
      await rollBack(store, "2.0.0");
      expect(await servingIn(store, model, channel)).toBe("1.0.0");
    },
  },
  gc: {
    action: ["collect", ""],
    async finish(store, bucket) {
      await collect(store, await openSweeper({ url: fake.url, bucket }));
      const [blobs, releases] = ["blobs/", "manifests/"].map(
        (prefix) => [...objectsInFake(fake, bucket).keys()].filter((key) => key.startsWith(prefix)).length,
      );
      // Two releases that share all but the weights.
      expect([blobs, releases]).toEqual([7, 2]);
    },
  },
};

describe.each(Object.entries(cases))("%s", { timeout: 300_000 }, (_name, { action, finish }) => {
  it.each(["met", "acted"] as const)("killed when each request in turn is %s", async (when) => {
    let [next, over] = [1, false];
    const killInTurn = async () => {
      while (!over) {
        const at = next++;
        const place = world.copy();
        const wasKilled = await runKilled(action, place.bucket, at, when);
        over ||= !wasKilled;
        expect([at, ...world.harmIn(place)]).toEqual([at]);
        await finish(await openStore(place), place.bucket);
        expect([at, ...world.harmIn(place)]).toEqual([at]);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, killInTurn));
    // The last was not killed any more; before it, there was one for each request.
    expect(next).toBeGreaterThan(action[0]?.startsWith("publish") === true ? 10 : 4);
  });
});
