// What builders tell of a build: however it is cut into pieces, the events are the same.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { BuildEvent } from "../../../src/image/ports.ts";
import { buildFault } from "../../../src/tools/docker/build-faults.ts";
import { RawJsonReader } from "../../../src/tools/docker/rawjson.ts";
import { readStatus } from "../../../src/tools/docker/status-protobuf.ts";
import { StatusReader } from "../../../src/tools/docker/status.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");
const messages = [
  { vertexes: [{ digest: "a", name: "[1/2] RUN ünë {", started: "now" }] },
  { logs: [{ vertex: "a", data: base64("first li") }] },
  { logs: [{ vertex: "a", data: base64("ne\r\nsecond\n") }] },
  { vertexes: [{ digest: "a", name: "[1/2] RUN ünë {", started: "now", completed: "then" }] },
  {
    vertexes: [
      { digest: "b", name: "[2/2] RUN x", started: "now", completed: "then", error: "exit code: 3" },
    ],
  },
];
const words =
  "Dockerfile:3\n--------------------\n   3 | >>> RUN x\n--------------------\nERROR: failed to solve: exit code: 3";

function read(pieces: string[]): { events: BuildEvent[]; rest: string; status: StatusReader } {
  const events: BuildEvent[] = [];
  const status = new StatusReader((event) => void events.push(event));
  const reader = new RawJsonReader((message) => status.take(message));
  for (const piece of pieces) reader.push(piece);
  return { events, rest: reader.end(), status };
}

const expected: BuildEvent[] = [
  { kind: "step", id: "a", name: "[1/2] RUN ünë {", state: "started" },
  { kind: "output", id: "a", line: "first line" },
  { kind: "output", id: "a", line: "second" },
  { kind: "step", id: "a", name: "[1/2] RUN ünë {", state: "done" },
  { kind: "step", id: "b", name: "[2/2] RUN x", state: "failed" },
];

test("both forms of rawjson, cut anywhere, give the same events and the words around them", () => {
  for (const indent of [0, 2]) {
    const text = `${messages.map((message) => JSON.stringify(message, null, indent)).join("\n")}\n${words}\n`;
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), (cuts) => {
        const places = [0, ...cuts.toSorted((x, y) => x - y), text.length];
        const pieces = places.slice(1).map((end, place) => text.slice(places[place], end));
        const { events, rest, status } = read(pieces);
        expect(events).toEqual(expected);
        expect(rest).toBe(words);
        expect(status.failure).toMatchObject({ step: "[2/2] RUN x", error: "exit code: 3" });
      }),
    );
  }
});

test("garbage is kept as words, and never throws", () => {
  fc.assert(fc.property(fc.array(fc.string()), (pieces) => void read(pieces)));
});

test("what was cancelled because another failed is not what failed", () => {
  const status = new StatusReader(() => {});
  const vertex = { started: true, completed: true, cached: false };
  status.take({ vertexes: [{ ...vertex, digest: "c", name: "C", error: "context canceled" }], logs: [] });
  status.take({ vertexes: [{ ...vertex, digest: "d", name: "D", error: "exit code: 1" }], logs: [] });
  expect(status.failure?.step).toBe("D");
});

/** One field of a protocol buffer: a number, or bytes. */
const field = (number: number, value: number | Uint8Array) =>
  typeof value === "number"
    ? Buffer.from([number * 8, value])
    : Buffer.concat([Buffer.from([number * 8 + 2, value.length]), value]);

test("reads the Engine's protobuf", () => {
  const text = (value: string) => Buffer.from(value);
  const vertex = [
    field(1, text("a")),
    field(3, text("RUN x")),
    field(4, 1),
    field(5, text("")),
    field(6, text("")),
    field(7, text("bad")),
  ];
  const log = [field(1, text("a")), field(3, 2), field(4, text("line\n"))];
  const status = readStatus(
    Buffer.concat([field(1, Buffer.concat(vertex)), field(2, text("?")), field(3, Buffer.concat(log))]),
  );
  expect(status.vertexes).toEqual([
    { digest: "a", name: "RUN x", started: true, completed: true, cached: true, error: "bad" },
  ]);
  expect(Buffer.from(status.logs[0]?.data ?? []).toString()).toBe("line\n");
});

test("bytes that are no message end in a RangeError, never in a loop", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      try {
        readStatus(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
  );
});

test.each([
  ["write /x: no space left on device", "build.disk-full"],
  [
    "ERROR: failed to solve: rpc error: code = Unavailable desc = error reading from server: EOF",
    "build.engine-lost",
  ],
  [
    "ERROR: Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?",
    "build.engine-lost",
  ],
  ["failed to resolve source metadata for r/p@sha256:0: r/p@sha256:0: not found", "build.base-gone"],
  ["failed to resolve source metadata for r/p: pull access denied, 401 Unauthorized", "build.base-denied"],
  [
    'failed to resolve source metadata for r/p: failed to do request: Head "x": dial tcp 1.2.3.4:443: connect: connection refused',
    "build.no-registry",
  ],
  ["error: Hash mismatch for `numpy==2.1.0`", "build.hash-mismatch"],
  ["error: Failed to fetch: dns error", "build.no-network"],
  ["something else", "build.failed"],
])("%s is %s", (said, code) => {
  const error = buildFault({ builder: "b", failure: null, words: said });
  expect(error).toMatchObject({ code, exit: "unavailable" });
  expect(error.fix).toBeTruthy();
});

test("a failing instruction is named with its line, its end and its output", () => {
  const failure = {
    step: "[2/2] RUN x",
    error: 'process "x" did not complete successfully: exit code: 3',
    output: ["one", "two"],
  };
  const error = buildFault({ builder: "b", failure, words });
  expect(error.what).toBe("the build failed at line 3 of the Dockerfile: exit code: 3");
  expect(error.why).toBe("[2/2] RUN x\none\ntwo");
});
