// From labelled rows to a pod that answers: lock, keys, build, push, cosign, generate, apply; and what a change costs.
import { execFile, execFileSync } from "node:child_process";
import { readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BuiltImage } from "../../../src/image/built.ts";
import { openCancer, userRows, type Project } from "../project.ts";

const run = promisify(execFile);
const host = process.env["MLSHIP_TEST_REGISTRY"] ?? "";
const name = `flow-${process.pid}`;
const repository = `${host}/mlship-test/${name}`;
// The testbed's kubelet does not count local storage, so its node offers none.
const storage = {
  resources: { requests: { "ephemeral-storage": null }, limits: { "ephemeral-storage": null } },
};
const patch = { spec: { template: { spec: { containers: [{ name: "server", ...storage }] } } } };
const keys = {
  image: { repository, base: `${host}/library/python:3.11-slim`, signingKey: "team.key" },
  name: "tumour",
};
let project: Project;

interface Pushed {
  reference: string;
  digest: string;
  blobs: { sent: number; present: number };
  bytes: number;
}

const kubectl = (...words: string[]) => execFileSync("kubectl", ["-n", name, ...words], { encoding: "utf8" });

async function configure(version: string): Promise<void> {
  await project.write(version, keys);
  const file = project.file("mlship.yaml");
  const document = JSON.parse(await readFile(file, "utf8"));
  document.deploy = {
    ...document.deploy,
    namespace: name,
    replicas: { min: 1, max: 2 },
    resources: { cpu: "300m", memory: "384Mi" },
    patches: [{ kind: "Deployment", merge: patch }],
  };
  await writeFile(file, JSON.stringify(document));
}

beforeAll(async () => {
  project = await openCancer();
  kubectl("create", "namespace", name);
  kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted");
});

afterAll(async () => {
  kubectl("delete", "namespace", name, "--wait=false");
  await project.close();
});

test(
  "a model becomes a pod that answers, and every link is checked by others",
  { timeout: 900_000 },
  async () => {
    await configure("1.0.0");
    await project.mlship(["keys", "new", "-o", "team.key"]);
    await project.mlship(["lock"]);
    const built = await project.json<BuiltImage>(["build"]);
    expect(built.attestations.every(({ signed }) => signed)).toBe(true);
    const { stdout } = await project.mlship(["push"]);
    expect(stdout).toBe(`${repository}@${built.digest}\n`);

    // What is said about it is true for whoever has the public key.
    const root = project.file("root.json");
    await writeFile(root, '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}');
    for (const { predicateType } of built.attestations) {
      const flags = ["--new-bundle-format", "--insecure-ignore-tlog", "--trusted-root", root];
      const key = ["--key", project.file("team.key.pub"), "--type", predicateType];
      await run("cosign", ["verify-attestation", ...flags, ...key, stdout.trim()], { timeout: 60_000 });
    }

    // The objects name that digest, and the cluster runs it under the profile "restricted".
    await project.mlship(["generate"]);
    await project.mlship(["generate", "--check"]);
    const objects = project.file("deploy", "kubernetes");
    expect(await readFile(path.join(objects, "deployment.yaml"), "utf8")).toContain(stdout.trim());
    expect(await readdir(objects)).toContain("network-policy.yaml");
    kubectl("apply", "-f", objects);
    const deployment = kubectl("get", "deployment", "-o", "name").trim();
    await run("kubectl", ["-n", name, "rollout", "status", deployment, "--timeout=150s"]);
    const address = kubectl("get", "service", "tumour", "-o", "jsonpath={.spec.clusterIP}");
    const [row = ""] = await userRows();
    const response = await fetch(`http://${address}/predict`, {
      method: "POST",
      body: JSON.stringify({ rows: [JSON.parse(row)] }),
      signal: AbortSignal.timeout(20_000),
    });
    expect(await response.json()).toMatchObject({
      model: { name: "tumour", version: "1.0.0" },
      predictions: [0],
    });
  },
);

test("unchanged, nothing is built and nothing is sent", async () => {
  const again = await project.mlship(["build"]);
  expect(again.told).toContain("nothing to build");
  expect(await project.json<Pushed>(["push"])).toMatchObject({ bytes: 0, blobs: { sent: 0 } });
});

test(
  "a handler changes one small layer; another model installs no package",
  { timeout: 900_000 },
  async () => {
    const layerOf = ({ images }: BuiltImage, layer: string) =>
      images[0]?.layers.find((one) => one.name === layer)?.digest;
    const before = await project.json<BuiltImage>(["build"]);
    await project.handle("def postprocess(outputs, columns):\n    return outputs\n");
    await configure("1.1.0");
    const document = JSON.parse(await readFile(project.file("mlship.yaml"), "utf8"));
    document.model.handler = "handler.py";
    await writeFile(project.file("mlship.yaml"), JSON.stringify(document));
    await project.mlship(["lock"]);
    const handled = await project.json<BuiltImage>(["build"]);
    for (const layer of ["base", "environment", "server", "model"])
      expect(layerOf(handled, layer)).toBe(layerOf(before, layer));
    const sent = await project.json<Pushed>(["push"]);
    expect(sent.bytes).toBeLessThan(1_000_000);

    await project.handOver("1.1.0", "1.2.0");
    await configure("1.2.0");
    await project.mlship(["lock"]);
    const other = await project.json<BuiltImage>(["build"]);
    for (const layer of ["base", "environment", "server"])
      expect(layerOf(other, layer)).toBe(layerOf(before, layer));
    expect(layerOf(other, "model")).not.toBe(layerOf(before, "model"));
  },
);
