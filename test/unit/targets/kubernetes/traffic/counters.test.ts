// The servers' own counters: read, added up, through restarts and with servers that do not answer.
import { expect, test } from "vitest";
import { PodCounters, readPage } from "../../../../../src/targets/kubernetes/traffic/pod-counters.ts";
import type { Api, KubeObject } from "../../../../../src/targets/kubernetes/ports.ts";
import { MlshipError } from "../../../../../src/errors.ts";

function page(good: number, bad: number, yes = good): string {
  return [
    "# TYPE mlship_requests_total counter",
    `mlship_requests_total{code="200",route="/health/ready"} 999.0`,
    `mlship_requests_total{code="200",route="/predict"} ${good}.0`,
    `mlship_requests_total{code="422",route="/predict"} 1.0`,
    `mlship_requests_total{code="500",route="/predict"} ${bad}.0`,
    "# TYPE mlship_request_duration_seconds histogram",
    `mlship_request_duration_seconds_bucket{le="0.1"} ${good}.0`,
    `mlship_request_duration_seconds_bucket{le="+Inf"} ${good + bad}.0`,
    "# TYPE mlship_answers_total counter",
    `mlship_answers_total{answer="yes"} ${yes}.0`,
    "",
  ].join("\n");
}

function pod(name: string): KubeObject {
  const status = { conditions: [{ type: "Ready", status: "True" }] };
  return { apiVersion: "v1", kind: "Pod", metadata: { name, uid: name }, status };
}

/** A cluster whose pods show these pages; one without a page does not answer. */
function cluster(pages: Map<string, string>) {
  let now = 0;
  const text: Api["text"] = (asked) => {
    const found = pages.get(/^pods\/([^:]+):8080\/proxy\/metrics$/.exec(asked)?.[1] ?? "");
    if (found !== undefined) return Promise.resolve(found);
    return Promise.reject(
      new MlshipError({ code: "kubernetes.unreachable", what: "no", exit: "unavailable" }),
    );
  };
  return {
    counters: new PodCounters({ api: { text } as Api, monotonic: () => now }),
    pass: (ms: number) => (now += ms),
  };
}

test("requests to /predict count, whatever their status; errors are those of the server", () => {
  expect(readPage(page(7, 2))?.counts).toEqual({ requests: 10, errors: 2 });
  expect(readPage("# TYPE http_requests_total counter\n")).toBeNull();
});

test("pods of a side are added up, and read at most every two seconds", async () => {
  const pages = new Map([
    ["a", page(10, 0)],
    ["b", page(5, 1)],
    ["c", page(1, 1)],
  ]);
  const { counters, pass } = cluster(pages);
  const stable = [pod("a"), pod("b")];
  const first = await counters.read(stable, [pod("c")]);
  expect(first?.stable.counts).toEqual({ requests: 18, errors: 1 });
  expect(first?.canary.answers).toEqual({
    seconds: [
      { bound: 0.1, count: 1 },
      { bound: Number.POSITIVE_INFINITY, count: 2 },
    ],
    said: { yes: 1 },
  });
  pages.set("a", page(20, 0));
  expect(await counters.read(stable, [pod("c")])).toEqual(first);
  pass(2_000);
  expect((await counters.read(stable, [pod("c")]))?.stable.counts.requests).toBe(28);
});

test("a server that was restarted keeps what it had counted", async () => {
  const pages = new Map([["a", page(10, 2, 8)]]);
  const { counters, pass } = cluster(pages);
  await counters.read([pod("a")], []);
  pages.set("a", page(3, 0, 3));
  pass(2_000);
  const after = await counters.read([pod("a")], []);
  expect(after?.stable.counts).toEqual({ requests: 17, errors: 2 });
  expect(after?.stable.answers?.said).toEqual({ yes: 11 });
  pages.set("a", page(4, 0, 4));
  pass(2_000);
  expect((await counters.read([pod("a")], []))?.stable.answers?.said).toEqual({ yes: 12 });
});

test("fewer than nine of ten servers are nobody's sum", async () => {
  const names = Array.from({ length: 10 }, (_, index) => `p${index}`);
  const pages = new Map(names.slice(1).map((name) => [name, page(1, 0)]));
  const { counters, pass } = cluster(pages);
  expect((await counters.read(names.map(pod), []))?.stable.counts.requests).toBe(18);
  pages.delete("p1");
  pass(2_000);
  expect(await counters.read(names.map(pod), [])).toBeNull();
});

test("a server of another kind counts nothing", async () => {
  const { counters } = cluster(new Map([["a", "hello"]]));
  expect(await counters.read([pod("a")], [])).toBeNull();
});
