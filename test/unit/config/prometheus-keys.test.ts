// The keys of `deploy.canary.prometheus`.
import { expect, it } from "vitest";
import { least, load, problems } from "./project.ts";

const withPrometheus = (keys: string) => `${least}deploy: { canary: { prometheus: ${keys} } }\n`;
const query = (keys: string) => withPrometheus(`{ url: "http://prom:9090", queries: [{ ${keys} }] }`);

it("is not there by default", async () => {
  const { config } = await load(least);
  expect(config.deploy.canary).not.toHaveProperty("prometheus");
});

it("reads address, queries and bounds", async () => {
  const { config } = await load(
    query(
      `name: errors, max: 0.1, query: 'a{pod=~"{{canary}}-.*"} / b{pod=~"{{stable}}-.*",namespace="{{namespace}}"}'`,
    ),
  );
  expect(config.deploy.canary.prometheus).toEqual({
    url: "http://prom:9090",
    queries: [
      {
        name: "errors",
        max: 0.1,
        query: 'a{pod=~"{{canary}}-.*"} / b{pod=~"{{stable}}-.*",namespace="{{namespace}}"}',
      },
    ],
  });
});

it.each([
  [query("name: a, query: up"), "deploy.canary.prometheus.queries[0] must have max, min or both"],
  [query("name: a, query: up, max: 1, min: 2"), "queries[0].min must not be above max"],
  [query("name: a, query: up, max: 1, mox: 2"), "queries[0].mox is not a key"],
  [query("name: 'a b', query: up, max: 1"), "queries[0].name must be a name such as error-rate"],
  [
    query("name: a, query: 'x{{pod}}', max: 1"),
    "may hold no other double braces than {{canary}}, {{stable}}",
  ],
  [query("name: a, query: 'x{{canary}', max: 1"), "may hold no other double braces than {{canary}}"],
  [query("name: a, query: '{{ canary }}', max: 1"), "may hold no other double braces than {{canary}}"],
  [
    query('name: a, query: "a\\u001bb", max: 1'),
    "queries[0].query must be a query without control characters",
  ],
  [query("name: a, query: up, max: .inf"), "queries[0].max"],
  [
    withPrometheus("{ url: 'http://prom', queries: [] }"),
    "deploy.canary.prometheus.queries must not be empty",
  ],
  [withPrometheus("{ url: 'http://prom' }"), "deploy.canary.prometheus.queries is missing"],
  [
    withPrometheus(
      "{ url: 'http://prom', queries: [{ name: a, query: up, max: 1 }, { name: a, query: up, max: 1 }] }",
    ),
    "deploy.canary.prometheus.queries must have different names",
  ],
  ...["prom:9090", "ftp://prom", "http://u:p@prom", "http://prom?x=1"].map((url) => [
    withPrometheus(`{ url: '${url}', queries: [{ name: a, query: up, max: 1 }] }`),
    "deploy.canary.prometheus.url must be an http or https URL without user, password and query",
  ]),
])("refuses %s", async (text, problem) => {
  const found = await problems(text ?? "");
  expect(found.join("\n")).toContain(problem);
});
