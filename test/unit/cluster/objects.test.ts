// The objects of a release: what they hold, that they follow from the configuration, and that YAML keeps them.
import * as fc from "fast-check";
import { load } from "js-yaml";
import { describe, expect, it } from "vitest";
import { replicasOf } from "../../../src/cluster/kinds/autoscaler.ts";
import { objectsOf } from "../../../src/cluster/objects.ts";
import { renderKubernetes, yamlOf } from "../../../src/cluster/render.ts";
import { stableName, versionLabel } from "../../../src/cluster/names.ts";
import { lifecycleOf } from "../../../src/cluster/pod/lifecycle.ts";
import type { Served } from "../../../src/cluster/served.ts";
import { MlshipError } from "../../../src/errors.ts";
import { deliveries, deployedWith, everything, served } from "./example.ts";
import { failureOf } from "./failure.ts";

const kindsOf = (release: Served) => objectsOf(release).map(({ object }) => object.kind);
const textOf = (release: Served, path: string) =>
  renderKubernetes(release).find((file) => file.path === path)?.text ?? "";

describe("what there is", () => {
  it("has six objects by default, the list of files for s3, monitor and route when asked for", () => {
    const account = ["ServiceAccount", "NetworkPolicy"];
    const own = ["Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Service"];
    const usual = [...account, ...own];
    expect(kindsOf(served)).toEqual(usual);
    expect(kindsOf(deliveries["image-volume"])).toEqual(usual);
    expect(kindsOf(deliveries.s3)).toEqual([...account, "ConfigMap", ...own]);
    expect(kindsOf(everything)).toEqual([...usual, "PodMonitor", "HTTPRoute"]);
  });

  it("leaves the number of servers to the autoscaler, three at least by default", () => {
    expect(textOf(served, "deployment.yaml")).not.toMatch(/^ *replicas:/m);
    expect(replicasOf(served)).toEqual({ min: 3, max: 10 });
    expect(replicasOf(deployedWith({ replicas: { min: 1, max: 1, cpu: 70, memory: 80 } }))).toEqual({
      min: 1,
      max: 1,
    });
  });

  it("refuses fewer servers at most than at least, and says where the least comes from", () => {
    const failure = failureOf(() =>
      objectsOf(deployedWith({ replicas: { min: null, max: 2, cpu: 70, memory: 80 } })),
    );
    expect(failure).toMatchObject({ code: "cluster.replicas", exit: "usage" });
    expect(failure.what).toContain("the default on Kubernetes");
  });

  it("gives a server time for its last request: grace covers sleep, drain and the longest prediction", () => {
    for (const timeoutMs of [1, 2000, 9999, 60_000, 600_000]) {
      const times = lifecycleOf({ ...served, serve: { ...served.serve, timeoutMs } });
      expect(times.drain * 1000).toBeGreaterThan(timeoutMs);
      expect(times.grace * 1000).toBeGreaterThan((times.sleep + times.drain) * 1000 + timeoutMs);
    }
  });

  it("waits for the model to load as long as deploy.canary.startTimeout, and longer for the whole rollout", () => {
    const startTimeoutMs = 301_000;
    const { startup, progressDeadline } = lifecycleOf(
      deployedWith({ canary: { ...served.deploy.canary, startTimeoutMs } }),
    );
    expect(startup.period * startup.failures * 1000).toBeGreaterThanOrEqual(startTimeoutMs);
    expect(progressDeadline * 1000).toBeGreaterThan(startTimeoutMs);
  });

  it("passes the Service's name on to the route, and the gateway's namespace", () => {
    const { object } = objectsOf(everything).find((manifest) => manifest.file === "http-route.yaml") ?? {};
    expect(object).toMatchObject({
      spec: {
        parentRefs: [{ name: "public", namespace: "infra" }],
        hostnames: ["fraud.example.com"],
        rules: [{ backendRefs: [{ name: "fraud", port: 80 }] }],
      },
    });
    const near = deployedWith({ route: { gateway: "public", hosts: [] } });
    const spec = objectsOf(near).at(-1)?.object["spec"];
    expect(spec).toMatchObject({ parentRefs: [{ name: "public" }] });
    expect(spec).not.toHaveProperty("hostnames");
  });

  it("refuses a model of more files than a ConfigMap can list", () => {
    const { model } = deliveries.s3;
    if (model.kind !== "s3") throw new Error("not the delivery that was asked for");
    const [file] = model.files;
    if (file === undefined) throw new Error("no file");
    const files = Array.from({ length: 9000 }, (_, index) => ({ ...file, path: `part-${index}` }));
    const failure = failureOf(() => objectsOf({ ...deliveries.s3, model: { ...model, files } }));
    expect(failure).toMatchObject({ code: "cluster.too-many-files", exit: "usage" });
  });
});

describe("names", () => {
  const dns = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);

  it("makes every model's name a Service's name, and different ones of different names", () => {
    fc.assert(
      fc.property(label, label, (one, other) => {
        expect(stableName(one)).toMatch(dns);
        expect(stableName(one) === stableName(other)).toBe(one === other);
      }),
    );
    const long = "1".repeat(62);
    expect(stableName(`${long}2`)).not.toBe(stableName(`${long}3`));
    expect(stableName(`${long}2`)).toMatch(dns);
  });

  it("makes every version the value of a label", () => {
    const value = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9]\.[0-9]\.[0-9](-[a-zA-Z0-9.-]{0,90}[a-z0-9])?$/), (version) => {
        expect(versionLabel(version)).toMatch(value);
      }),
    );
  });
});

describe("files", () => {
  it("are the same for the same release, one object each, explained above it", () => {
    for (const release of [...Object.values(deliveries), everything]) {
      const files = renderKubernetes(release);
      expect(renderKubernetes(structuredClone(release))).toEqual(files);
      expect(new Set(files.map(({ path }) => path)).size).toBe(files.length);
      for (const { text } of files) {
        expect(text).toMatch(/^# [A-Z]/);
        expect(text.split("\n").filter((line) => line.startsWith("#") && line.length > 100)).toEqual([]);
        expect(text).not.toMatch(/^[^#]*[:-] [&*][a-z0-9_]+$/m);
      }
    }
  });

  /** Whatever it holds: quotes, YAML's own characters, words that YAML 1.1 reads as something else. */
  const odd = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: "binary" }),
    fc.constantFrom("y", "no", "on", "~", "null", "1:30", "0x1f", "1e3", "- a", "a: b", "# c", "", "{{ x }}"),
    fc.constantFrom("a\nb: c", "---\nkind: Pod", "'\"", "$(id)", "`id`", "${HOME}", "*a", "&a", "!!int", "%"),
  );

  it(
    "holds exactly the objects whatever the values are, or refuses a control character",
    { timeout: 60_000 },
    () => {
      let kept = 0;
      fc.assert(
        fc.property(odd, odd, odd, odd, odd, (name, version, image, store, host) => {
          const release: Served = {
            ...deliveries.s3,
            name: name === "" ? "x" : name,
            version,
            image,
            model: {
              kind: "s3",
              store: `s3://${store}`,
              endpoint: null,
              region: store,
              pathStyle: "auto",
              files: [],
            },
            deploy: {
              ...served.deploy,
              monitor: "podMonitor",
              route: { gateway: "a/b", hosts: [host] },
              patches: [{ kind: "Deployment", merge: { metadata: { annotations: { [image]: version } } } }],
            },
          };
          let manifests;
          try {
            manifests = objectsOf(release);
          } catch (error) {
            if (!(error instanceof MlshipError)) throw error;
            expect(["cluster.control-character", "deploy.patch-invalid"]).toContain(error.code);
            return;
          }
          kept += 1;
          for (const manifest of manifests) expect(load(yamlOf(manifest))).toEqual(manifest.object);
        }),
        { numRuns: 200 },
      );
      expect(kept).toBeGreaterThan(30);
    },
  );

  it("refuses what a reader would not see, and never repeats it", () => {
    for (const hidden of ["\n", "\0", "\u001b", "\u007f", "\u0085", "\u2028", "\u202e", "\ufeff", "\ud800"]) {
      const failure = failureOf(() => objectsOf({ ...served, image: `a${hidden}b` }));
      expect(failure).toMatchObject({ code: "cluster.control-character", exit: "usage" });
      expect(failure.what).toContain("containers");
      expect(failure.what).not.toContain(hidden);
    }
  });

  it("keeps the lines of a patch's text, and refuses what is hidden in one", () => {
    const noted = (note: string) =>
      deployedWith({
        patches: [{ kind: "Deployment", merge: { metadata: { annotations: { note } } } }],
      });
    expect(load(textOf(noted("one\ntwo\t: x\n"), "deployment.yaml"))).toMatchObject({
      metadata: { annotations: { note: "one\ntwo\t: x\n" } },
    });
    for (const hidden of ["\r", "\0", "\u202e"]) {
      expect(failureOf(() => objectsOf(noted(hidden))).code).toBe("cluster.control-character");
    }
  });
});
