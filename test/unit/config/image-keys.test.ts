// The sections of mlship.yaml for images and for Kubernetes: what they take, and what they refuse.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { failure, least, load } from "./project.ts";

const digest = "a".repeat(64);

async function image(keys: string) {
  return (await load(`${least}image: { ${keys} }\n`)).config.image;
}

const problemsOf = async (text: string) =>
  (await failure(load(`${least}${text}\n`))).problems.map(({ what }) => what);

describe("image", () => {
  it.each(["fraud", "acme/fraud", "ghcr.io/acme/fraud", "127.0.0.1:5000/a/b-c_d.e", "localhost:5000/x"])(
    "takes the repository %s",
    async (name) => {
      expect((await image(`repository: "${name}"`)).repository).toBe(name);
    },
  );

  it.each([
    "ghcr.io/acme/fraud:1.4.0",
    `ghcr.io/acme/fraud@sha256:${digest}`,
    "https://ghcr.io/acme/fraud",
    "Acme/Fraud",
    "acme//fraud",
    "acme/fraud ",
    "acme/fraud\\nRUN id",
    "$(id)/fraud",
  ])("refuses the repository %s", async (name) => {
    expect(await problemsOf(`image: { repository: "${name}" }`)).toHaveLength(1);
  });

  it.each(["python:3.12-slim", "ghcr.io/acme/python", `python:3.12-slim@sha256:${digest}`])(
    "takes the base %s",
    async (name) => {
      expect((await image(`base: "${name}"`)).base).toBe(name);
    },
  );

  it("refuses every base that holds something else than a reference", async () => {
    const hostile = fc.stringMatching(/^[\x21-\x7e]*[\s`$(){};&|<>'"\\][\x21-\x7e]*$/);
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        expect(await problemsOf(`image: ${JSON.stringify({ base: text })}`)).not.toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  it("reads sizes in decimal and binary units", async () => {
    expect((await image("maxSize: 200MB")).maxSize).toBe(200_000_000);
    expect((await image("maxSize: 200MiB")).maxSize).toBe(209_715_200);
    expect(await problemsOf('image: { maxSize: "200 MB" }')).toHaveLength(1);
  });

  it("refuses a platform twice, none, and one that no image is built for", async () => {
    expect(await problemsOf("image: { platforms: [linux/amd64, linux/amd64] }")).toHaveLength(1);
    expect(await problemsOf("image: { platforms: [] }")).toHaveLength(1);
    expect(await problemsOf("image: { platforms: [windows/amd64] }")).toHaveLength(1);
  });
});

describe("deploy on Kubernetes", () => {
  it("takes patches of both kinds as they are written", async () => {
    const patches = [
      { kind: "Deployment", merge: { spec: { template: { spec: { priorityClassName: "high" } } } } },
      { kind: "Service", name: "fraud", json: [{ op: "add", path: "/metadata/labels/team", value: "risk" }] },
    ];
    const { config } = await load(`${least}deploy: ${JSON.stringify({ patches })}\n`);
    expect(config.deploy.patches).toEqual(patches);
  });

  it.each(["cpu: 1 core", "memory: 512MB", "memory: -1Mi"])("refuses the resource %s", async (quantity) => {
    expect(await problemsOf(`deploy: { resources: { ${quantity} } }`)).toHaveLength(1);
  });

  it("refuses host names and namespaces that are none", async () => {
    expect(await problemsOf("deploy: { namespace: Prod }")).toHaveLength(1);
    expect(await problemsOf("deploy: { route: { gateway: web, hosts: [a_b.example] } }")).toHaveLength(1);
    expect(await problemsOf("deploy: { route: { hosts: [] } }")).toHaveLength(1);
  });
});
