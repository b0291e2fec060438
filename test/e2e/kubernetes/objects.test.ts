// Kubernetes objects as others judge them: the API server, kubeconform, kube-score, Checkov; patches as kubectl makes them.
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { objectsOf } from "../../../src/cluster/objects.ts";
import { renderKubernetes } from "../../../src/cluster/render.ts";
import type { Served } from "../../../src/cluster/served.ts";
import { deliveries, deployedWith, everything } from "../../unit/cluster/example.ts";
import { mergeCases } from "../../unit/cluster/merge-cases.ts";
import { checkov, judge, score } from "./judges.ts";
import { extensionFiles, writeSchemas } from "./schemas.ts";

const run = promisify(execFile);
const folder = mkdtempSync(path.join(tmpdir(), "mlship-kubernetes-"));
const namespace = path.basename(folder).toLowerCase();
const kubectl = (...args: string[]) => execFileSync("kubectl", args, { encoding: "utf8" });
const releases: Record<string, Served> = { ...deliveries, everything };
let schemas = "";

/** Writes the files of a release that runs in the test's namespace. */
function write(name: string, release: Served): string {
  const to = path.join(folder, name);
  mkdirSync(to, { recursive: true });
  for (const file of renderKubernetes({ ...release, deploy: { ...release.deploy, namespace } }))
    writeFileSync(path.join(to, file.path), file.text);
  return to;
}

beforeAll(() => {
  kubectl("create", "namespace", namespace);
  for (const mode of ["enforce", "warn"])
    kubectl("label", "namespace", namespace, `pod-security.kubernetes.io/${mode}=restricted`);
  for (const file of extensionFiles()) {
    kubectl("apply", "--server-side", "-f", file);
    kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", file);
  }
  const kinds = objectsOf(everything).map(({ object }) => object.kind);
  schemas = writeSchemas(path.join(folder, "schemas"), [...kinds, "ConfigMap"]);
});

afterAll(() => {
  kubectl("delete", "namespace", namespace, "--wait=false");
  for (const file of extensionFiles()) kubectl("delete", "--wait=false", "-f", file);
  rmSync(folder, { recursive: true, force: true });
});

describe.each(Object.entries(releases))("%s", (name, release) => {
  const kubeconform = (at: string) => judge("kubeconform", "-strict", "-schema-location", schemas, at);
  const scores = (at: string) => score(renderKubernetes(release).map((file) => path.join(at, file.path)));

  test("kubeconform -strict knows every kind and every field", async () => {
    expect(await kubeconform(write(name, release))).toEqual({ content: true, says: "" });
  });

  test("kube-score finds nothing, the optional checks included", async () => {
    const { content, says } = await scores(write(name, release));
    expect(says.split("\n").filter((line) => !/^(\[OK\]|\[SKIPPED\]|$)/.test(line))).toEqual([]);
    expect(content).toBe(true);
  });

  test("the API server takes them, and Pod Security's profile restricted has no warning", async () => {
    const { stdout, stderr } = await run("kubectl", [
      "apply",
      "--dry-run=server",
      "-f",
      write(name, release),
    ]);
    expect(stderr).toBe("");
    expect(stdout.trim().split("\n")).toHaveLength(renderKubernetes(release).length);
  });
});

test("Checkov finds nothing in any of them", async () => {
  for (const [name, release] of Object.entries(releases)) write(path.join("all", name), release);
  const { passed, failed } = await checkov(path.join(folder, "all"));
  expect(failed).toEqual([]);
  expect(passed).toBeGreaterThan(300);
});

test("each judge finds what is wrong", async () => {
  const wrong = deployedWith({
    patches: [
      {
        kind: "Deployment",
        merge: {
          spec: {
            tempalte: {},
            template: {
              spec: { containers: [{ name: "server", securityContext: { allowPrivilegeEscalation: true } }] },
            },
          },
        },
      },
      { kind: "PodDisruptionBudget", merge: { $patch: "delete" } },
    ],
  });
  const at = write("wrong", wrong);
  expect((await judge("kubeconform", "-strict", "-schema-location", schemas, at)).says).toContain("tempalte");
  expect((await judge("kube-score", "score", path.join(at, "deployment.yaml"))).says).toContain(
    "PodDisruptionBudget",
  );
  const args = ["--framework", "kubernetes", "--skip-download", "--compact"];
  expect((await judge("checkov", "-d", at, ...args)).says).toContain("CKV_K8S_20");
  const server = await judge("kubectl", "apply", "--dry-run=server", "-f", path.join(at, "deployment.yaml"));
  expect(server.says).toContain("tempalte");
});

describe("kubectl makes the same of a strategic merge patch", () => {
  test.each(mergeCases)("$name", ({ original, patch, merged }) => {
    const args = [
      "patch",
      "--local",
      "--type=strategic",
      "-f",
      "-",
      "-o",
      "json",
      "-p",
      JSON.stringify(patch),
    ];
    const made = execFileSync("kubectl", args, { input: JSON.stringify(original), encoding: "utf8" });
    expect(JSON.parse(made)).toEqual(merged);
  });
});
