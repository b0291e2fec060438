// The lock on a cluster: who gets it, who keeps it, who is told what.
import { describe, expect, test } from "vitest";
import type { HeldLock, Holder } from "../../../../../src/rollout/ports.ts";
import { keepingOf } from "../../../../../src/targets/kubernetes/keeping.ts";
import type { Cluster } from "../../../../../src/targets/kubernetes/ports.ts";
import { apiError, FakeServer, type Hooks } from "../fake-api.ts";

function driver(server: FakeServer, id: string, hooks: Hooks = {}) {
  const client = server.client(hooks);
  const told: string[] = [];
  const interrupt = new AbortController();
  const keeping = keepingOf(client, {
    name: "fraud",
    alsoFenced: [],
    told: (text) => void told.push(text),
    signal: interrupt.signal,
  });
  const holder: Holder = {
    id,
    user: id,
    host: `${id}-laptop`,
    pid: 17,
    doing: "mlship deploy",
    since: "2026-01-01T00:00:00.000Z",
    url: `https://ci.example/${id}`,
  };
  return { client, told, interrupt, holder, ...keeping };
}

/** Renews as a living driver does, until it is told to stop. */
function beat(server: FakeServer, held: HeldLock): () => Promise<void> {
  const over = new AbortController();
  const beating = (async () => {
    for (;;) {
      await server.clock.sleep(5000);
      if (over.signal.aborted) return;
      await held.renew();
    }
  })();
  return async () => {
    over.abort();
    await beating;
  };
}

const service = (name: string) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: {
    name,
    labels: { "app.kubernetes.io/managed-by": "mlship", "app.kubernetes.io/name": "fraud" },
  },
  spec: { selector: { "app.kubernetes.io/instance": "none" } },
});

describe("taking the lock", () => {
  test("a free lock is taken at once; each holder has a higher epoch", async () => {
    const server = new FakeServer();
    const ada = driver(server, "ada");
    const held = await ada.lock.acquire(ada.holder);
    expect(held.epoch).toBe(1);
    expect(server.clock.monotonic()).toBe(0);
    await held.release();
    const bob = driver(server, "bob");
    expect((await bob.lock.acquire(bob.holder)).epoch).toBe(2);
    expect(await ada.lock.holder()).toEqual(bob.holder);
  });

  test("of two in the same moment one wins, and the other is told at once who, from where, since when", async () => {
    for (const isFirst of [true, false]) {
      const server = new FakeServer();
      if (!isFirst) {
        const earlier = driver(server, "eve");
        await (await earlier.lock.acquire(earlier.holder)).release();
      }
      const [ada, bob] = [driver(server, "ada"), driver(server, "bob")];
      const both = await Promise.allSettled([ada.lock.acquire(ada.holder), bob.lock.acquire(bob.holder)]);
      const lost = both.filter((end) => end.status === "rejected");
      expect(lost).toHaveLength(1);
      const winner = both[0].status === "fulfilled" ? ada : bob;
      expect(lost[0]?.reason).toMatchObject({
        code: "rollout.locked",
        exit: "locked",
        what: `\`mlship deploy\` by ${winner.holder.user} is at work on this deployment`,
      });
      const { why } = lost[0]!.reason as { why: string };
      for (const part of ["17", winner.holder.host, winner.holder.since, winner.holder.url ?? "?"]) {
        expect(why).toContain(part);
      }
      expect(server.clock.monotonic()).toBeLessThan(3000);
    }
  });

  test("a fresh process believes a holder only when it sees it renew", async () => {
    const server = new FakeServer();
    const ada = driver(server, "ada");
    const stop = beat(server, await ada.lock.acquire(ada.holder));
    const bob = driver(server, "bob");
    await expect(bob.lock.acquire(bob.holder)).rejects.toMatchObject({ code: "rollout.locked" });
    expect(server.clock.monotonic()).toBeLessThanOrEqual(7000);
    expect(bob.told).toEqual([expect.stringContaining("watching for up to 30 s")]);
    await stop();
  });

  test("a dead holder's lock is taken over within 35 s, whatever the clocks of both machines say", async () => {
    for (const skew of [-600_000, 0, 600_000]) {
      const server = new FakeServer();
      const ada = driver(server, "ada");
      await ada.lock.acquire(ada.holder);
      // What the dead driver wrote is as far off as its clock was.
      server.edit("Lease", "fraud-rollout", (lease) => {
        (lease["spec"] as Record<string, string>)["renewTime"] = new Date(server.now() + skew).toISOString();
      });
      const bob = driver(server, "bob");
      const began = server.clock.monotonic();
      expect((await bob.lock.acquire(bob.holder)).epoch).toBe(2);
      const took = server.clock.monotonic() - began;
      expect(took).toBeGreaterThanOrEqual(30_000);
      expect(took).toBeLessThanOrEqual(35_000);
    }
  });

  test("a living holder with a clock that is ten minutes off keeps its lock", async () => {
    for (const skew of [-600_000, 600_000]) {
      const server = new FakeServer();
      const ada = driver(server, "ada");
      Object.assign(ada.client.api, { now: () => server.now() + skew });
      const held = await ada.lock.acquire(ada.holder);
      const stop = beat(server, held);
      for (let hour = 0; hour < 3; hour += 1) {
        const bob = driver(server, "bob");
        await expect(bob.lock.acquire(bob.holder)).rejects.toMatchObject({ code: "rollout.locked" });
      }
      await stop();
      await held.renew();
    }
  });

  test("time in which the API server is away does not count against the holder", async () => {
    const server = new FakeServer();
    const ada = driver(server, "ada");
    const held = await ada.lock.acquire(ada.holder);
    const bob = driver(server, "bob");
    const read = bob.client.api.read.bind(bob.client.api);
    let looks = 0;
    bob.client.api.read = async (kind, name) => {
      // The second look waits for an API server that restarts for a minute.
      if ((looks += 1) === 2) await server.clock.sleep(60_000);
      return await read(kind, name);
    };
    const refused = bob.lock.acquire(bob.holder).catch((error: unknown) => error);
    await server.clock.sleep(65_000);
    await held.renew();
    expect(await refused).toMatchObject({ code: "rollout.locked" });
  });

  test("a holder that came and died between two looks of a process is not taken for alive", async () => {
    const server = new FakeServer();
    const bob = driver(server, "bob");
    await (await bob.lock.acquire(bob.holder)).release();
    const ada = driver(server, "ada");
    await ada.lock.acquire(ada.holder);
    server.clock.jump(60_000);
    expect((await bob.lock.acquire({ ...bob.holder, id: "bob again" })).epoch).toBe(3);
  });

  test("Ctrl-C ends the watch", async () => {
    const server = new FakeServer();
    const ada = driver(server, "ada");
    await ada.lock.acquire(ada.holder);
    const bob = driver(server, "bob");
    const waiting = bob.lock.acquire(bob.holder);
    bob.interrupt.abort(new Error("SIGINT"));
    await expect(waiting).rejects.toThrow("SIGINT");
  });

  test("an answer that got lost does not lose the lock", async () => {
    for (const isFirst of [true, false]) {
      const server = new FakeServer();
      const eve = driver(server, "eve");
      if (!isFirst) await (await eve.lock.acquire(eve.holder)).release();
      let isFaulty = true;
      const ada = driver(server, "ada", {
        after(write) {
          if (!isFaulty || write.kind !== "Lease") return;
          isFaulty = false;
          throw apiError("kubernetes.unreachable", "unavailable", "timeout");
        },
      });
      const held = await ada.lock.acquire(ada.holder);
      await held.renew();
      expect(held.epoch).toBe(isFirst ? 1 : 2);
      await held.release();
      expect(await ada.lock.holder()).toBeNull();
    }
  });

  test("a refused first write leaves no lock behind", async () => {
    const server = new FakeServer();
    server.isTerminating = true;
    const ada = driver(server, "ada");
    await expect(ada.lock.acquire(ada.holder)).rejects.toMatchObject({ code: "kubernetes.refused" });
    expect(server.writes.length).toBeLessThanOrEqual(1);
    expect(server.get("Lease", "fraud-rollout")).toBeNull();
  });

  test("a lock whose older holder could not be shut out is given back", async () => {
    const server = new FakeServer();
    server.set(service("fraud-stable"));
    const ada = driver(server, "ada", {
      before(write) {
        if (write.kind === "Service")
          throw apiError("kubernetes.denied", "unavailable", "may not patch services");
      },
    });
    await expect(ada.lock.acquire(ada.holder)).rejects.toMatchObject({ code: "kubernetes.denied" });
    expect(await ada.lock.holder()).toBeNull();
  });
});

describe("keeping the lock", () => {
  test("who was taken over from is told by whom, at its next renewal", async () => {
    const server = new FakeServer();
    const ada = driver(server, "ada");
    const held = await ada.lock.acquire(ada.holder);
    const bob = driver(server, "bob");
    const theirs = await bob.lock.acquire(bob.holder);
    await expect(held.renew()).rejects.toMatchObject({
      code: "rollout.lock-lost",
      exit: "attention",
      why: expect.stringContaining("bob-laptop") as string,
    });
    await held.release();
    expect(await bob.lock.holder()).toEqual(bob.holder);
    await theirs.release();
    await expect(held.renew()).rejects.toMatchObject({ code: "rollout.lock-lost" });
  });

  test("a Lease that somebody annotated or removed is still ours", async () => {
    const server = new FakeServer();
    const ada = driver(server, "ada");
    const held = await ada.lock.acquire(ada.holder);
    server.edit("Lease", "fraud-rollout", (lease) => {
      lease.metadata.annotations = { ...lease.metadata.annotations, note: "seen" };
    });
    await held.renew();
    expect(server.get("Lease", "fraud-rollout")?.metadata.annotations?.["note"]).toBe("seen");
    server.drop("Lease", "fraud-rollout");
    await ada.fence.confirm();
    await held.renew();
    expect(await ada.lock.holder()).toEqual(ada.holder);
  });

  test("a Lease that began again gets an epoch above every object's", async () => {
    const server = new FakeServer();
    const stable = service("fraud-stable");
    server.set({
      ...stable,
      metadata: { ...stable.metadata, annotations: { "mlship.dev/epoch": "7" } },
    });
    const ada = driver(server, "ada");
    const held = await ada.lock.acquire(ada.holder);
    expect(held.epoch).toBe(8);
    expect(server.get("Service", "fraud-stable")?.metadata.annotations?.["mlship.dev/epoch"]).toBe("8");
    await held.renew();
  });

  test("every renewal changes the Lease, also within one tick of a coarse clock", async () => {
    const server = new FakeServer();
    const ada = driver(server, "ada");
    const held = await ada.lock.acquire(ada.holder);
    const times = new Set<unknown>();
    for (let count = 0; count < 5; count += 1) {
      await held.renew();
      times.add((server.get("Lease", "fraud-rollout")!["spec"] as { renewTime: string }).renewTime);
    }
    expect(times.size).toBe(5);
  });
});

describe("what is shown of the lock", () => {
  test("a holder that is long gone is not shown as one, a fresh one is", async () => {
    const server = new FakeServer();
    const ada = driver(server, "ada");
    await ada.lock.acquire(ada.holder);
    expect(await driver(server, "bob").lock.holder()).toEqual(ada.holder);
    server.clock.jump(36_000);
    expect(await driver(server, "bob").lock.holder()).toBeNull();
    expect(await driver(server, "bob").lock.state()).toEqual({
      holder: ada.holder,
      epoch: 1,
      idleMs: 36_000,
    });
  });

  test("another program's annotation is no reason to fail", async () => {
    const server = new FakeServer();
    const ada = driver(server, "ada");
    await ada.lock.acquire(ada.holder);
    for (const text of ["", "{", '{"user":5}', "[]"]) {
      server.edit("Lease", "fraud-rollout", (lease) => {
        lease.metadata.annotations = { "mlship.dev/holder": text };
      });
      expect(await ada.lock.holder()).toMatchObject({ id: "ada", user: "unknown" });
    }
  });
});

test("seizing takes a living holder's lock", async () => {
  const server = new FakeServer();
  const ada = driver(server, "ada");
  const held = await ada.lock.acquire(ada.holder);
  const bob = driver(server, "bob");
  const seized = await bob.lock.seize(bob.holder);
  expect(seized.epoch).toBe(2);
  expect(server.clock.monotonic()).toBe(0);
  await expect(held.renew()).rejects.toMatchObject({ code: "rollout.lock-lost" });
  await seized.release();
  expect((await ada.lock.acquire({ ...ada.holder, id: "ada again" })).epoch).toBe(3);
});

test("the cluster that the tests use is one", () => {
  const cluster: Cluster = new FakeServer().client();
  expect(cluster.namespace).toBe("default");
});
