// The router: no value leaves its place in the configuration, and what its pods are.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anywhere } from "../../../src/cluster/pod/placement.ts";
import { configuration } from "../../../src/cluster/router/directives.ts";
import {
  haproxyConfig,
  mostConnections,
  routerDrain,
  routerPorts,
} from "../../../src/cluster/router/haproxy-config.ts";
import { routerObjects } from "../../../src/cluster/router/router-objects.ts";
import { routerFolder } from "../../../src/cluster/router/share.ts";
import type { Served } from "../../../src/cluster/served.ts";
import { deployedWith, served } from "./example.ts";
import { failureOf } from "./failure.ts";

const addresses = { stable: "10.0.0.1", canary: "10.0.0.2" };
const image = "haproxy@sha256:0";
const sticky = (router: Partial<Served["deploy"]["router"]>) =>
  deployedWith({ router: { ...served.deploy.router, ...router } });
const releases = {
  plain: served,
  cookie: sticky({ sticky: "cookie" }),
  header: sticky({ sticky: "header", header: "x-user" }),
  "not idempotent": { ...served, serve: { ...served.serve, idempotent: false } },
};

/** The configuration as HAProxy takes it apart: lines of words. */
const wordsOf = (text: string) =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.trim().split(" "));

describe("configuration", () => {
  const word = fc.oneof(
    fc.stringMatching(/^[A-Za-z0-9_.:%()[\]{},-]{1,12}$/),
    fc.string({ unit: "binary" }),
    fc.constantFrom(
      "a b",
      "a\nbackend x",
      "a#b",
      'a"b',
      "a'b",
      "a\\",
      "$HOME",
      "\t",
      "",
      "\u0085",
      "a\u00a0b",
    ),
  );

  it("holds each word as one word, or refuses it", () => {
    let kept = 0;
    fc.assert(
      fc.property(
        fc.array(fc.array(word, { minLength: 1, maxLength: 4 }), { maxLength: 4 }),
        (directives) => {
          let text;
          try {
            text = configuration([{ head: ["backend", "model"], directives }]);
          } catch (error) {
            expect(error).toMatchObject({ code: "cluster.router-word", exit: "usage" });
            return;
          }
          kept += 1;
          expect(wordsOf(text)).toEqual([["backend", "model"], ...directives]);
          expect(text).not.toMatch(/["'\\#$]/);
        },
      ),
      { numRuns: 2000 },
    );
    expect(kept).toBeGreaterThan(50);
  });

  it("never shows the word that it refuses", () => {
    const failure = failureOf(() =>
      configuration([{ head: ["global"], directives: [["log", "a b secret"]] }]),
    );
    expect(failure.what).toContain("directive log");
    expect(JSON.stringify(failure)).not.toContain("secret");
  });

  it("takes nothing but addresses, and writes both families", () => {
    fc.assert(
      fc.property(fc.string(), (stable) => {
        const made = () => haproxyConfig(served, { stable, canary: "10.0.0.2" });
        if (!/^[0-9a-fA-F:.]+$/.test(stable)) expect(failureOf(made).code).toBe("cluster.router-address");
      }),
    );
    const v6 = haproxyConfig(served, { stable: "fd00::1", canary: "fd00::2" });
    expect(v6).toContain("server stable [fd00::1]:80\n");
    expect(v6).toContain(`bind [::]:${routerPorts.users} v4v6`);
    expect(haproxyConfig(served, addresses)).toContain("server stable 10.0.0.1:80\n");
  });

  it("refuses the name of a header that would end its value", () => {
    for (const header of ["x user", "x\nuser", "x#y", 'x"'])
      expect(failureOf(() => haproxyConfig(sticky({ sticky: "header", header }), addresses)).code).toBe(
        "cluster.router-word",
      );
  });

  it.each(Object.entries(releases))("%s: reaches the canary by a share above 0 only", (_name, release) => {
    const lines = wordsOf(haproxyConfig(release, addresses));
    const weight = lines.filter(([head, name]) => head === "server" && name === "canary");
    expect(weight.length).toBeGreaterThan(0);
    const uses = lines
      .filter(([head]) => head === "use_backend" || head === "use-server")
      .map((line) => line.join(" "));
    for (const use of uses.filter((line) => /^use_backend \S*canary/.test(line)))
      expect(use).toMatch(/-m int (lt|gt) 0/);
    expect(lines.filter(([head]) => head === "default_backend")).toEqual([["default_backend", "stable"]]);
  });

  it("tries again what failed only where asking twice does no harm", () => {
    const repeated = (release: Served) =>
      wordsOf(haproxyConfig(release, addresses)).filter(([head]) => head === "retry-on");
    expect(repeated(served).flat()).toContain("500");
    expect(new Set(repeated(releases["not idempotent"]).flat())).toEqual(
      new Set(["retry-on", "conn-failure"]),
    );
  });

  it("speaks to its runtime only inside the pod", () => {
    const text = haproxyConfig(served, addresses);
    expect(text.match(/^ *(bind|stats socket) .*$/gm)?.map((line) => line.trim())).toEqual([
      `stats socket ipv4@127.0.0.1:${routerPorts.runtime} level admin`,
      `bind *:${routerPorts.health}`,
      `bind *:${routerPorts.users}`,
    ]);
  });
});

describe("objects", () => {
  const objectsFor = (release: Served) =>
    routerObjects(release, { ...addresses, image }, anywhere).map(({ object }) => object);
  const named = (release: Served, kind: string) => objectsFor(release).find((object) => object.kind === kind);

  it("are five, all with the router's own label and without the model's", () => {
    const objects = objectsFor(served);
    expect(objects.map(({ kind }) => kind)).toEqual([
      "ServiceAccount",
      "NetworkPolicy",
      "ConfigMap",
      "Deployment",
      "PodDisruptionBudget",
    ]);
    for (const { metadata } of objects)
      expect(metadata["labels"]).toMatchObject({
        "app.kubernetes.io/name": "fraud-router",
        "app.kubernetes.io/managed-by": "mlship",
      });
    expect(named(served, "Deployment")).toMatchObject({
      spec: { template: { metadata: { labels: { "app.kubernetes.io/name": "fraud-router" } } } },
    });
  });

  it("have another ConfigMap for another configuration, which the Deployment mounts", () => {
    const config = (release: Served) => named(release, "ConfigMap")?.metadata.name;
    expect(config(served)).toMatch(/^fraud-router-[0-9a-f]{8}$/);
    expect(new Set(Object.values(releases).map(config)).size).toBe(4);
    expect(named(served, "ConfigMap")).toMatchObject({ immutable: true });
    expect(named(served, "Deployment")).toMatchObject({
      spec: {
        template: {
          spec: {
            containers: [{ volumeMounts: [{ mountPath: routerFolder, readOnly: true }] }],
            volumes: [{ configMap: { name: config(served) } }],
          },
        },
      },
    });
  });

  it("give a router time to answer what it has: the grace covers sleep and soft stop", () => {
    for (const timeoutMs of [100, 2000, 60_000]) {
      const release = { ...served, serve: { ...served.serve, timeoutMs } };
      const { spec } = named(release, "Deployment") as unknown as {
        spec: {
          template: {
            spec: {
              terminationGracePeriodSeconds: number;
              containers: { lifecycle: { preStop: { sleep: { seconds: number } } } }[];
            };
          };
        };
      };
      const pod = spec.template.spec;
      const sleep = pod.containers[0]?.lifecycle.preStop.sleep.seconds ?? 0;
      expect(sleep).toBeGreaterThanOrEqual(5);
      expect(routerDrain(release) * 1000).toBeGreaterThan(3 * timeoutMs);
      expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(sleep + routerDrain(release));
    }
  });

  it("have memory for every connection's buffers", () => {
    const [, bufsize] = /tune\.bufsize (\d+)/.exec(haproxyConfig(served, addresses)) ?? [];
    const buffers = (2 * mostConnections * Number(bufsize)) / 1024 ** 2;
    expect(buffers).toBeLessThan(160);
    expect(JSON.stringify(named(served, "Deployment"))).toContain('"memory":"256Mi"');
  });

  it("let nothing in but users and the kubelet, and nothing out but to the model's pods", () => {
    expect(named(served, "NetworkPolicy")).toMatchObject({
      spec: {
        podSelector: { matchLabels: { "app.kubernetes.io/name": "fraud-router" } },
        policyTypes: ["Ingress", "Egress"],
        ingress: [{ ports: [{ port: routerPorts.users }, { port: routerPorts.health }] }],
        egress: [
          {
            to: [{ podSelector: { matchLabels: { "app.kubernetes.io/name": "fraud" } } }],
            ports: [{ port: 8080 }],
          },
        ],
      },
    });
  });
});
