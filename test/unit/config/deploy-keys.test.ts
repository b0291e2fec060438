// The keys of `deploy` and `serve` that a rollout on Kubernetes goes by.
import { describe, expect, it } from "vitest";
import { least, load, problems } from "./project.ts";

const withDeploy = (deploy: string) => `${least}deploy: ${deploy}\n`;

describe("deploy on Kubernetes", () => {
  it("reads target, context, strategy, split and the router", async () => {
    const { config } = await load(
      `${withDeploy(`{ target: kubernetes, context: "arn:aws:eks:eu-1:1:cluster/a b", strategy: blue-green, canary: { split: replicas, maxSlowdown: 1.5, maxShift: 1 }, router: { image: "127.0.0.1:5000/library/haproxy:3.2-alpine", sticky: header, header: X-User } }`)}serve: { idempotent: false }\n`,
    );
    expect(config.deploy).toMatchObject({
      target: "kubernetes",
      context: "arn:aws:eks:eu-1:1:cluster/a b",
      strategy: "blue-green",
      router: { image: "127.0.0.1:5000/library/haproxy:3.2-alpine", sticky: "header", header: "X-User" },
      canary: { split: "replicas", maxSlowdown: 1.5, maxShift: 1 },
    });
    expect(config.serve.idempotent).toBe(false);
  });

  it("takes each from a variable or a flag too, and says so", async () => {
    const { config, origins } = await load(least, {
      env: { MLSHIP_DEPLOY_CONTEXT: "staging", MLSHIP_SERVE_IDEMPOTENT: "false" },
      set: ["deploy.router.sticky=cookie", "deploy.canary.maxShift=0.5"],
    });
    expect(config.deploy).toMatchObject({ context: "staging", router: { sticky: "cookie" } });
    expect(config.deploy.canary.maxShift).toBe(0.5);
    expect(config.serve.idempotent).toBe(false);
    expect(origins.get("deploy.context")).toEqual({ kind: "variable", variable: "MLSHIP_DEPLOY_CONTEXT" });
    expect(origins.get("deploy.router.sticky")).toEqual({
      kind: "flag",
      flag: "--set deploy.router.sticky",
    });
  });

  it("wants the header where users are told apart by one, and only there", async () => {
    expect(await problems(withDeploy("{ router: { sticky: header } }"))).toEqual([
      "6:11 deploy.router.header is missing → add deploy.router.header",
    ]);
    expect(await problems(withDeploy("{ router: { header: x-user } }"))).toEqual([
      "6:29 deploy.router.header counts only with sticky: header",
    ]);
  });

  it.each([
    ["{ context: '' }", "6:20 deploy.context must not be empty"],
    ['{ context: "a\\nb" }', "6:20 deploy.context must be the name of a context, without control characters"],
    [
      "{ router: { sticky: header, header: 'x y' } }",
      "6:45 deploy.router.header must be the name of a header such as x-user",
    ],
    ["{ router: { image: 'a b' } }", "6:28 deploy.router.image must be an image reference"],
    ["{ canary: { maxSlowdown: 1 } }", "6:34 deploy.canary.maxSlowdown must be above 1, not 1"],
    ["{ canary: { maxShift: 0 } }", "6:31 deploy.canary.maxShift must be above 0, not 0"],
    [
      "{ canary: { split: auto } }",
      "6:28 deploy.canary.split must be router, gateway or replicas, not the text",
    ],
    ["{ strategy: shadow }", "6:21 deploy.strategy must be canary or blue-green"],
  ])("refuses %s", async (deploy, problem) => {
    const [found] = await problems(withDeploy(deploy));
    expect(found).toContain(problem);
  });
});
