// The self-test: what is refused, what is measured, and that nothing is left whatever happens.
import { expect, test } from "vitest";
import { digestBytes } from "../../../../src/digest.ts";
import type { Asking, Container, Engine } from "../../../../src/image/ports.ts";
import { selfTest, type Trial, type TrialGround } from "../../../../src/image/check/self-test.ts";
import { checkDrain } from "../../../../src/image/check/drain.ts";
import { MlshipError } from "../../../../src/errors.ts";

const trial: Trial = {
  layoutFolder: "/layout",
  owner: { project: "p", build: "b" },
  golden: {
    schema: "mlship.golden/v1",
    model: digestBytes("m"),
    dataset: digestBytes("d"),
    task: "binary",
    classes: [0, 1],
    rows: 2,
    columns: [{ name: "x", type: "float64", values: [1, 2] }],
    labels: [0, 1],
    predictions: [0, 1],
    probabilities: [
      [0.9, 0.1],
      [0.2, 0.8],
    ],
    digest: digestBytes("g"),
  },
  limits: { memory: 512 * 2 ** 20, pids: 10, port: 8080, files: null },
  startTimeoutMs: 1000,
  timeoutMs: 100,
};
const right = {
  predictions: [0, 1],
  probabilities: [
    [0.9, 0.1],
    [0.2, 0.8],
  ],
};

function world(
  changes: { container?: Partial<Container>; asking?: Partial<Asking>; engine?: Partial<Engine> } = {},
) {
  const left: string[] = [];
  const seen: string[] = [];
  const gone = (name: string) => () => {
    left.splice(left.indexOf(name), 1);
    return Promise.resolve();
  };
  const container: Container = {
    url: "http://c",
    state: () => Promise.resolve({ running: true, exitCode: null, outOfMemory: false }),
    logs: () => Promise.resolve("last line"),
    memory: () => Promise.resolve(42),
    stop: () => Promise.resolve(0),
    remove: gone("container"),
    ...changes.container,
  };
  let time = 0;
  const controller = new AbortController();
  const ground: TrialGround = {
    engine: {
      name: "engine",
      platform: "linux/amd64",
      load: () => (left.push("image"), Promise.resolve("image")),
      start: () => (left.push("container"), Promise.resolve(container)),
      remove: gone("image"),
      sweep: () => Promise.resolve(),
      ...changes.engine,
    },
    asking: {
      isReady: () => Promise.resolve(time >= 100),
      ask: () => Promise.resolve(right),
      ...changes.asking,
    },
    clock: {
      monotonic: () => time,
      sleep: (ms) => {
        time += ms;
        return Promise.resolve();
      },
    },
    signal: controller.signal,
    onStage: (stage) => void seen.push(stage),
  };
  return { ground, left, seen, controller };
}

const failed = async (ground: TrialGround) =>
  await selfTest(trial, ground).then(
    () => Promise.reject(new Error("it passed")),
    (error: unknown) => error,
  );

test("measures start, memory, parity and end, and leaves nothing", async () => {
  const { ground, left } = world();
  const result = await selfTest(trial, ground);
  expect(result).toMatchObject({ readyMs: 100, rss: 42, parity: { rows: 2, flips: 0, maxDelta: 0 } });
  expect(result.drain).toMatchObject({ lost: 0, exitCode: 0 });
  expect(result.drain.answered).toBeGreaterThanOrEqual(8);
  expect(left).toEqual([]);
});

test("an answer that moved is measured, not hidden", async () => {
  const moved = {
    predictions: [1, 1],
    probabilities: [
      [0.4, 0.6],
      [0.2, 0.8],
    ],
  };
  const { ground } = world({ asking: { ask: () => Promise.resolve(moved) } });
  expect((await selfTest(trial, ground)).parity).toEqual({ rows: 2, flips: 1, maxDelta: 0.5 });
});

test("one that is never ready is refused after its time, with its last words", async () => {
  const { ground, left } = world({ asking: { isReady: () => Promise.resolve(false) } });
  expect(await failed(ground)).toMatchObject({ code: "image.not-ready", exit: "gate", why: "last line" });
  expect(left).toEqual([]);
});

test.each([
  [{ running: false, exitCode: 3, outOfMemory: false }, "image.ended"],
  [{ running: false, exitCode: 137, outOfMemory: true }, "image.out-of-memory"],
])("one that ends before it is ready says how: %o", async (state, code) => {
  const { ground, left } = world({
    asking: { isReady: () => Promise.resolve(false) },
    container: { state: () => Promise.resolve(state) },
  });
  expect(await failed(ground)).toMatchObject({ code, exit: "gate" });
  expect(left).toEqual([]);
});

test("one that runs out of memory over the rows is named, not the broken connection", async () => {
  const { ground } = world({
    asking: { ask: () => Promise.reject(new Error("connection broken")) },
    container: { state: () => Promise.resolve({ running: false, exitCode: 137, outOfMemory: true }) },
  });
  expect(await failed(ground)).toMatchObject({ code: "image.out-of-memory" });
});

test("a request that is lost while it ends is counted and refused", async () => {
  let asks = 0;
  const { ground } = world({
    asking: {
      ask: () => ((asks += 1), asks === 5 ? Promise.reject(new Error("reset")) : Promise.resolve(right)),
    },
  });
  const { drain } = await selfTest(trial, ground);
  expect(drain.lost).toBe(1);
  expect(() => checkDrain(drain, "linux/amd64")).toThrow(MlshipError);
});

test.each([1, 143, null])("an end with %s is refused", (exitCode) => {
  expect(() => checkDrain({ answered: 9, lost: 0, exitCode }, "linux/amd64")).toThrow(
    expect.objectContaining({ code: "image.drain", exit: "gate" }),
  );
});

test("Ctrl-C at any stage leaves neither container nor image", async () => {
  for (const stage of [
    "load the image",
    "start it",
    "wait until it is ready",
    "replay 2 labelled rows",
    "end it while it is asked",
  ]) {
    const { ground, left, controller } = world();
    const interrupted: TrialGround = {
      ...ground,
      onStage: (now) => {
        if (now === stage) controller.abort(new Error("interrupted"));
      },
    };
    const outcome = await selfTest(trial, interrupted).catch((error: unknown) => error);
    expect(left, stage).toEqual([]);
    // The last stage is over before the signal is looked at again; the command looks then.
    if (stage !== "end it while it is asked") expect(outcome).toMatchObject({ message: "interrupted" });
  }
});
