// `mlship unlock`: who holds the lock, and taking it from them.
import { beforeEach, describe, expect, test } from "vitest";
import { ciRunOf } from "../../src/commands/ci-run.ts";
import type { Holder } from "../../src/rollout/ports.ts";
import { keepingOf } from "../../src/targets/kubernetes/keeping.ts";
import { FakeServer } from "../unit/targets/kubernetes/fake-api.ts";
import { documentOf, Machine } from "./fake-host.ts";
import { makeProject } from "./project.ts";

const holder: Holder = {
  id: "theirs",
  user: "eve",
  host: "runner-7",
  pid: 99,
  doing: "mlship deploy",
  since: "2026-01-01T00:00:00.000Z",
  url: "https://ci.example/runs/5",
};

let machine: Machine;
let server: FakeServer;
let namespaces: string[];
beforeEach(() => {
  machine = new Machine(makeProject());
  server = new FakeServer(machine.world.clock);
  namespaces = [];
  machine.kubeconfig = {
    current: "test",
    contexts: [{ name: "test", server: "https://cluster.example", namespace: "default" }],
  };
  machine.openCluster = ({ namespace }) => {
    namespaces.push(namespace);
    return server.client();
  };
});

const onCluster = ["--set", "deploy.target=kubernetes", "--set", "deploy.namespace=ml"];

async function held() {
  const { lock, fence } = keepingOf(server.client(), {
    name: "fraud",
    alsoFenced: [],
    told: () => {},
    signal: new AbortController().signal,
  });
  const lease = await lock.acquire(holder);
  return { lock, fence, lease };
}

describe("on a cluster", () => {
  test("shows who holds the lock, asks, and takes it: the next write of its holder is refused", async () => {
    const theirs = await held();
    server.clock.jump(12_000);
    machine.answer = true;
    const ran = await machine.run("unlock", ...onCluster);
    expect(ran.exit).toBe(0);
    for (const part of ["eve", "99", "runner-7", holder.since, "https://ci.example/runs/5", "12 s ago"]) {
      expect(ran.stderr).toContain(part);
    }
    expect(machine.questions).toEqual([
      "Take the lock of fraud from it? If it still works, its next write is refused",
    ]);
    expect(ran.stdout).toContain("cannot write any more (epoch 2)");
    expect(namespaces).toEqual(["ml"]);
    await expect(theirs.lease.renew()).rejects.toMatchObject({ code: "rollout.lock-lost" });
    await expect(theirs.fence.confirm()).rejects.toMatchObject({ code: "rollout.lock-lost" });
    // Free at once: the next command need not wait.
    expect((await theirs.lock.acquire({ ...holder, id: "next" })).epoch).toBe(3);
  });

  test("takes nothing without a yes", async () => {
    const theirs = await held();
    for (const answer of [false, null]) {
      machine.answer = answer;
      const ran = await machine.run("unlock", ...onCluster);
      expect(ran.exit).toBe(2);
      expect(ran.stderr).toContain("add --yes");
    }
    await theirs.lease.renew();
  });

  test("needs no terminal with --yes, and says in JSON whom it took the lock from", async () => {
    await held();
    const ran = await machine.run("unlock", "--yes", "--json", ...onCluster);
    expect(documentOf(ran)).toMatchObject({
      schema: "mlship.unlock/v1",
      name: "fraud",
      place: "context fake, namespace ml",
      holder,
      idleMs: 0,
      epoch: 2,
    });
  });

  test("a free lock needs no unlocking", async () => {
    const before = await machine.run("unlock", "--yes", ...onCluster);
    expect([before.exit, server.writes]).toEqual([0, []]);
    expect(before.stdout).toContain("nobody holds the lock of fraud");
    await (await held()).lease.release();
    const ran = await machine.run("unlock", "--json", ...onCluster);
    expect(documentOf(ran)).toMatchObject({ holder: null, epoch: null });
  });

  test("a command that meets the lock says who holds it and how to take it", async () => {
    const theirs = await held();
    const beating = (async () => {
      await server.clock.sleep(5000);
      await theirs.lease.renew();
    })();
    const second = keepingOf(server.client(), {
      name: "fraud",
      alsoFenced: [],
      told: () => {},
      signal: new AbortController().signal,
    });
    await expect(second.lock.acquire({ ...holder, id: "second" })).rejects.toMatchObject({
      code: "rollout.locked",
      fix: expect.stringContaining("mlship unlock") as string,
    });
    await beating;
  });
});

describe("on this machine", () => {
  test("says why it is not needed", async () => {
    const free = await machine.run("unlock");
    expect(free.exit).toBe(0);
    expect(free.stdout).toContain("nobody holds the lock of fraud");
    machine.world.holder = holder;
    machine.world.isHolderAlive = true;
    const ran = await machine.run("unlock", "--yes");
    expect(ran.exit).toBe(2);
    expect(ran.stderr).toContain("end process 99");
    expect(ran.stderr).toContain("once the process is gone, the lock is free");
  });
});

test("a CI run is named by an address that a person can open, without a password", () => {
  const runs: [Record<string, string>, string | null][] = [
    [{}, null],
    [
      { GITHUB_SERVER_URL: "https://github.com", GITHUB_REPOSITORY: "a/b", GITHUB_RUN_ID: "5" },
      "https://github.com/a/b/actions/runs/5",
    ],
    [{ CI_JOB_URL: "https://gitlab.example/a/-/jobs/5" }, "https://gitlab.example/a/-/jobs/5"],
    [{ BUILD_URL: "https://me:secret@jenkins.example/5" }, null],
    [{ BUILD_URL: "javascript:alert(1)" }, null],
    [{ BUILD_URL: "no address" }, null],
  ];
  for (const [env, url] of runs) expect(ciRunOf(env), JSON.stringify(env)).toBe(url);
});
