// The fence: an older driver cannot write, wherever it slept.
import { beforeEach, describe, expect, test } from "vitest";
import { epochOf } from "../../../../../src/targets/kubernetes/lock/fence.ts";
import { keepingOf } from "../../../../../src/targets/kubernetes/keeping.ts";
import type { KubeObject } from "../../../../../src/targets/kubernetes/ports.ts";
import { fresh, old, World } from "../../../rollout/world.ts";
import { FakeServer, type Write } from "../fake-api.ts";

const labels = { "app.kubernetes.io/managed-by": "mlship", "app.kubernetes.io/name": "fraud" };

const stable = (instance: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "fraud-stable", labels },
  spec: { selector: { "app.kubernetes.io/instance": instance } },
});

const rollout = new World().serves(old).begin(fresh, "r1");

let server: FakeServer;
beforeEach(() => {
  server = new FakeServer();
});

async function driver(id: string, onWrite: (write: Write) => void = () => {}) {
  const client = server.client({ before: onWrite });
  const options = { name: "fraud", alsoFenced: [], told: () => {}, signal: new AbortController().signal };
  const keeping = keepingOf(client, options);
  const holder = { id, user: id, host: id, pid: 1, doing: "mlship deploy", since: "" };
  const held = await keeping.lock.seize(holder);
  return { client, held, ...keeping };
}

const selected = () => (server.get("Service", "fraud-stable")!["spec"] as { selector: object }).selector;
const select = (instance: string) => (now: KubeObject) => ({ ...now, spec: stable(instance)["spec"] });

describe("a driver that holds the lock", () => {
  test("writes its epoch with everything that it writes", async () => {
    const ada = await driver("ada");
    await ada.fence.put(stable("a"));
    expect(epochOf(server.get("Service", "fraud-stable")!)).toBe(1);
    await ada.held.release();
    const bob = await driver("bob");
    expect(epochOf(server.get("Service", "fraud-stable")!)).toBe(2);
    await bob.fence.write("Service", "fraud-stable", select("b"));
    expect(selected()).toEqual({ "app.kubernetes.io/instance": "b" });
  });

  test("decides again when another writer came between", async () => {
    let rivals = 3;
    const ada = await driver("ada", (write) => {
      if (write.verb !== "replace" || write.kind !== "Service" || (rivals -= 1) < 0) return;
      server.edit("Service", "fraud-stable", (now) => {
        now.metadata.annotations = { ...now.metadata.annotations, rival: String(rivals) };
      });
    });
    await ada.fence.put(stable("a"));
    let decisions = 0;
    await ada.fence.write("Service", "fraud-stable", (now) => {
      decisions += 1;
      return select("b")(now);
    });
    expect(decisions).toBe(4);
    expect(server.get("Service", "fraud-stable")?.metadata.annotations?.["rival"]).toBe("0");
    expect(selected()).toEqual({ "app.kubernetes.io/instance": "b" });
  });

  test("gives up on an object that something writes without end", async () => {
    let count = 0;
    const ada = await driver("ada", (write) => {
      if (write.verb === "replace")
        server.edit("Service", "fraud-stable", (now) => {
          now.metadata.annotations = { ...now.metadata.annotations, rival: String((count += 1)) };
        });
    });
    await ada.fence.put(stable("a"));
    await expect(ada.fence.write("Service", "fraud-stable", select("b"))).rejects.toMatchObject({
      code: "kubernetes.contended",
      exit: "attention",
    });
  });

  test("writes nothing when all is as it should be", async () => {
    const ada = await driver("ada");
    await ada.fence.put(stable("a"));
    const before = server.writes.length;
    await ada.fence.write("Service", "fraud-stable", () => null);
    await ada.fence.ensure(stable("never"));
    expect(server.writes).toHaveLength(before);
    expect(selected()).toEqual({ "app.kubernetes.io/instance": "a" });
  });

  test("keeps what others set in fields that it does not name", async () => {
    const ada = await driver("ada");
    const deployment = (image: string): KubeObject => ({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "fraud-1", labels },
      spec: { image },
    });
    await ada.fence.put(deployment("a"));
    server.edit("Deployment", "fraud-1", (now) => Object.assign(now["spec"] as object, { replicas: 5 }));
    await ada.fence.put(deployment("b"));
    expect(server.get("Deployment", "fraud-1")?.["spec"]).toEqual({ image: "b", replicas: 5 });
  });

  test("leaves objects alone that are not mlship's", async () => {
    server.set({ ...stable("theirs"), metadata: { name: "fraud-stable" } });
    const ada = await driver("ada");
    for (const write of [
      () => ada.fence.put(stable("a")),
      () => ada.fence.ensure(stable("a")),
      () => ada.fence.remove("Service", "fraud-stable"),
    ]) {
      await expect(write()).rejects.toMatchObject({ code: "kubernetes.foreign", exit: "attention" });
    }
    expect(selected()).toEqual({ "app.kubernetes.io/instance": "theirs" });
  });

  test("says what is missing; removing what is gone is no error", async () => {
    const ada = await driver("ada");
    await expect(ada.fence.write("Service", "fraud-stable", select("a"))).rejects.toMatchObject({
      code: "kubernetes.missing",
    });
    expect(await ada.fence.remove("Service", "fraud-stable")).toBe(false);
  });
});

describe("a driver that lost the lock", () => {
  const acts: [string, (driver: Awaited<ReturnType<typeof makeDriver>>) => Promise<unknown>][] = [
    ["write", ({ fence }) => fence.write("Service", "fraud-stable", select("old"))],
    ["put", ({ fence }) => fence.put(stable("old"))],
    ["remove", ({ fence }) => fence.remove("Service", "fraud-stable")],
    ["create", ({ fence }) => fence.ensure({ ...stable("old"), metadata: { name: "fraud-canary", labels } })],
    ["save", ({ records }) => records.save(rollout)],
  ];
  const makeDriver = driver;

  test.each(acts)("is refused at its next %s", async (_name, act) => {
    const ada = await driver("ada");
    await ada.fence.put(stable("a"));
    await driver("bob");
    const before = server.writes.length;
    await expect(act(ada)).rejects.toMatchObject({ code: "rollout.lock-lost", exit: "attention" });
    expect(server.writes).toHaveLength(before);
    expect(selected()).toEqual({ "app.kubernetes.io/instance": "a" });
  });

  // `ensure` is left out: what is created where nothing was does no harm, and cannot be fenced.
  test.each(acts.filter(([name]) => name !== "create"))(
    "is refused when it slept between its decision and its %s",
    async (name, act) => {
      let isSleeping = false;
      let wake = () => {};
      let asleep = () => {};
      const slept = new Promise<void>((resolve) => (asleep = resolve));
      const ada = await driver("ada");
      await ada.fence.put(stable("a"));
      await ada.records.save(rollout);
      // The process stops right before it sends: everything that it read is old by then.
      for (const verb of ["replace", "apply", "seize", "remove"] as const) {
        const send = ada.client.api[verb].bind(ada.client.api) as (...all: unknown[]) => Promise<unknown>;
        Object.assign(ada.client.api, {
          [verb]: async (...all: unknown[]) => {
            if (!isSleeping) {
              isSleeping = true;
              asleep();
              await new Promise<void>((resolve) => (wake = resolve));
            }
            return await send(...all);
          },
        });
      }
      const acting = act(ada).catch((error: unknown) => error);
      await slept;
      await driver("bob");
      wake();
      expect(await acting, name).toMatchObject({ code: "rollout.lock-lost" });
      expect(selected()).toEqual({ "app.kubernetes.io/instance": "a" });
      expect(epochOf(server.get("Service", "fraud-stable")!)).toBe(2);
    },
  );

  test("a process that never had the lock is a fault of mlship's", async () => {
    const options = { name: "fraud", alsoFenced: [], told: () => {}, signal: new AbortController().signal };
    const { fence } = keepingOf(server.client(), options);
    await expect(fence.put(stable("a"))).rejects.toMatchObject({
      code: "rollout.not-locked",
      exit: "internal",
    });
  });
});
