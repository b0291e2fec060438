// The record, wishes and Events of a rollout in a cluster.
import { beforeEach, describe, expect, test } from "vitest";
import { keepingOf } from "../../../../../src/targets/kubernetes/keeping.ts";
import type { KubeObject } from "../../../../../src/targets/kubernetes/ports.ts";
import { close, done, go, hold, write } from "../../../../../src/rollout/moves.ts";
import type { Rollout } from "../../../../../src/rollout/record.ts";
import { fresh, old, World } from "../../../rollout/world.ts";
import { apiError, FakeServer, type Hooks } from "../fake-api.ts";

const begun = new World().serves(old).begin(fresh, "r1");

let server: FakeServer;
let told: string[];
beforeEach(() => {
  server = new FakeServer();
  told = [];
});

function parts(hooks: Hooks = {}) {
  const client = server.client(hooks);
  const signal = new AbortController().signal;
  return {
    client,
    ...keepingOf(client, { name: "fraud", alsoFenced: [], told: (text) => void told.push(text), signal }),
  };
}

async function driver(id: string, hooks: Hooks = {}) {
  const made = parts(hooks);
  const held = await made.lock.seize({ id, user: id, host: id, pid: 1, doing: "mlship deploy", since: "" });
  return { held, ...made };
}

const record = (data: Record<string, string>): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: {
    name: "fraud-rollout",
    labels: { "app.kubernetes.io/managed-by": "mlship", "app.kubernetes.io/name": "fraud" },
  },
  data,
});

const at = (elapsedMs: number): Rollout => ({ ...begun, volatile: { ...begun.volatile, elapsedMs } });

describe("the record", () => {
  test("is what was saved last, for every process", async () => {
    expect(await parts().records.load()).toBeNull();
    const ada = await driver("ada");
    for (const elapsed of [1, 2, 3]) await ada.records.save(at(elapsed));
    expect(await parts().records.load()).toEqual(at(3));
    const bob = await driver("bob");
    await bob.records.save(at(4));
    await expect(ada.records.save(at(5))).rejects.toMatchObject({ code: "rollout.lock-lost" });
    expect(await parts().records.load()).toEqual(at(4));
  });

  test("costs one request a save, once it is there", async () => {
    const ada = await driver("ada");
    await ada.records.save(at(1));
    const before = server.writes.length;
    ada.client.api.read = () => Promise.reject(new Error("read"));
    await ada.records.save(at(2));
    expect(server.writes.slice(before)).toMatchObject([{ verb: "replace", name: "fraud-rollout" }]);
  });

  test("survives answers that got lost, and writers that came between", async () => {
    for (const fault of ["before", "after"] as const) {
      server = new FakeServer();
      let isFaulty = false;
      const ada = await driver("ada", {
        [fault]: () => {
          if (!isFaulty) return;
          isFaulty = false;
          throw apiError("kubernetes.stale", "attention", "409");
        },
      });
      for (const elapsed of [1, 2, 3, 4]) {
        isFaulty = true;
        await ada.records.save(at(elapsed));
        server.edit("ConfigMap", "fraud-rollout", (now) => {
          now.metadata.annotations = { ...now.metadata.annotations, rival: String(elapsed) };
        });
      }
      expect(await parts().records.load()).toEqual(at(4));
    }
  });

  test("that was removed by hand is written anew", async () => {
    const ada = await driver("ada");
    await ada.records.save(at(1));
    server.drop("ConfigMap", "fraud-rollout");
    await ada.records.save(at(2));
    expect(await parts().records.load()).toEqual(at(2));
  });

  test("half-written, or of a mlship to come, is refused and left as it is", async () => {
    const whole = JSON.stringify(begun);
    const strange = [
      whole.slice(0, whole.length / 2),
      "",
      whole.replace("mlship.rollout/v1", "mlship.rollout/v9"),
      "[]",
      "null",
    ];
    for (const text of strange) {
      server = new FakeServer();
      server.set(record({ "rollout.json": text }));
      const before = server.get("ConfigMap", "fraud-rollout");
      await expect(parts().records.load(), text.slice(-20)).rejects.toMatchObject({
        code: "rollout.record",
        exit: "attention",
      });
      expect(server.get("ConfigMap", "fraud-rollout")).toEqual(before);
      expect(server.writes).toEqual([]);
    }
  });
});

describe("a wish", () => {
  test("is taken once, by one of two drivers", async () => {
    const [ada, bob, person] = [parts(), parts(), parts()];
    expect(await ada.records.takeWish()).toBeNull();
    await person.records.wish("abort");
    const taken = await Promise.all([ada.records.takeWish(), bob.records.takeWish()]);
    expect(taken.filter((wish) => wish !== null)).toEqual(["abort"]);
    expect(await ada.records.takeWish()).toBeNull();
  });

  test("takes the place of one that nobody took", async () => {
    const person = parts();
    await person.records.wish("promote");
    await person.records.wish("abort");
    expect(await parts().records.takeWish()).toBe("abort");
    expect(await parts().records.takeWish()).toBeNull();
  });

  test("that is none is cleared away", async () => {
    server.set({ ...record({ wish: "dance" }), metadata: { name: "fraud-wish" } });
    expect(await parts().records.takeWish()).toBeNull();
    expect(server.get("ConfigMap", "fraud-wish")).toBeNull();
  });
});

describe("Events on the Service", () => {
  const service: KubeObject = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "fraud", namespace: "ml", labels: { "app.kubernetes.io/managed-by": "mlship" } },
    spec: {},
  };
  const started = done(go(begun, "canary-up", { do: "start" }, 10), 20);
  const shared = done(go(started, "set", { do: "set", share: 0.05 }, 30), 40);
  const held = hold(shared, "metrics", 50);
  const promoted = done(go(held, "promote", { do: "promote" }, 60), 70);
  const closed = close(promoted, "promoted", null, 80);
  const ended: Rollout = { ...write(closed, "done", "ledger", 90), phase: "done", action: null };

  const events = () =>
    server.all("Event").map(({ type, reason, message }) => [type, reason, message] as unknown[]);

  test("tell the story once, also when another driver takes it up", async () => {
    server.set(service);
    const ada = await driver("ada");
    for (const rollout of [begun, started, shared, held]) await ada.records.save(rollout);
    const bob = await driver("bob");
    for (const rollout of [held, promoted, closed, ended]) await bob.records.save(rollout);
    expect(events().map(([type, reason]) => [type, reason])).toEqual([
      ["Normal", "CanaryStarted"],
      ["Normal", "ShareSet"],
      ["Warning", "Held"],
      ["Normal", "Promoted"],
      ["Normal", "RolloutDone"],
    ]);
    expect(events()[1]?.[2]).toBe("rollout of 1.1.0 after 1.0.0: set 5 % (epoch 1)");
    expect(server.all("Event")[0]).toMatchObject({
      involvedObject: { kind: "Service", name: "fraud", namespace: "ml" },
      firstTimestamp: "2026-01-01T00:00:00Z",
      source: { component: "mlship" },
    });
    expect(told).toEqual([]);
  });

  test("that cannot be written are told once, and the rollout goes on", async () => {
    server.set(service);
    const ada = await driver("ada", {
      before(attempt) {
        if (attempt.kind === "Event")
          throw apiError("kubernetes.denied", "unavailable", "may not create events");
      },
    });
    for (const rollout of [started, shared, held, promoted, closed, ended]) await ada.records.save(rollout);
    expect(told).toEqual(["Events are not written to the cluster: may not create events"]);
    expect(await ada.records.load()).toEqual(ended);
  });

  test("do not keep a command from ending", async () => {
    server.set(service);
    const ada = await driver("ada");
    await ada.records.save(at(1));
    ada.client.api.create = () => new Promise(() => {});
    const before = server.clock.monotonic();
    await ada.records.save(ended);
    expect(server.clock.monotonic() - before).toBeLessThanOrEqual(3000);
  });
});
