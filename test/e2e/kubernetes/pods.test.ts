// Kubernetes objects at work: pods under Pod Security's profile restricted become ready and answer, with each delivery.
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { blobKey } from "../../../src/artifacts/layout.ts";
import { renderKubernetes } from "../../../src/cluster/render.ts";
import type { ModelSource, Served } from "../../../src/cluster/served.ts";
import { digestBytes } from "../../../src/digest.ts";
import { served } from "../../unit/cluster/example.ts";
import { modelFile, pushImages, type Images } from "./image.ts";
import { openWay, s3, type Way } from "./store.ts";

const run = promisify(execFile);
const folder = mkdtempSync(path.join(tmpdir(), "mlship-pods-"));
const namespace = path
  .basename(folder)
  .toLowerCase()
  .replaceAll(/[^a-z0-9-]/g, "x");
const bucket = namespace;
const kubectl = (...args: string[]) =>
  execFileSync("kubectl", ["-n", namespace, ...args], { encoding: "utf8", maxBuffer: 1 << 26 });
const file = { path: "factor.txt", size: modelFile.length, sha256: digestBytes(modelFile) };
const blob = `${bucket}/pods/${blobKey(file.sha256)}`;
let images: Images;
let way: Way;

beforeAll(async () => {
  images = pushImages(folder, namespace);
  way = await openWay();
  s3("PUT", bucket);
  s3("PUT", blob, modelFile);
  execFileSync("kubectl", ["create", "namespace", namespace]);
  const enforce = "pod-security.kubernetes.io/enforce=restricted";
  execFileSync("kubectl", ["label", "namespace", namespace, enforce]);
});

afterAll(() => {
  execFileSync("kubectl", ["delete", "namespace", namespace, "--wait=false"]);
  way.close();
  s3("DELETE", blob);
  s3("DELETE", bucket);
  rmSync(folder, { recursive: true, force: true });
});

/** A release of its own name, small enough for this machine. */
function release(
  name: string,
  image: string,
  model: ModelSource,
  variables: Record<string, string> = {},
): Served {
  const env = Object.entries(variables).map(([key, value]) => ({ name: key, value }));
  // The testbed's kubelet does not count local storage, so its node offers none.
  const storage = { "ephemeral-storage": null };
  const resources = { requests: storage, limits: storage };
  const fetcher = model.kind === "s3" ? [{ name: "fetch-model", env, resources }] : [];
  const spec = { containers: [{ name: "server", resources }], initContainers: fetcher };
  return {
    ...served,
    name,
    revision: `${name}-1-0-0-00000000`,
    image,
    model,
    deploy: {
      ...served.deploy,
      namespace,
      replicas: { min: 1, max: 2, cpu: 70, memory: 80 },
      resources: { cpu: "300m", memory: "256Mi" },
      patches: [{ kind: "Deployment", merge: { spec: { template: { spec } } } }],
    },
  };
}

function apply(wanted: Served): void {
  const text = renderKubernetes(wanted).map((one) => one.text);
  execFileSync("kubectl", ["apply", "-f", "-"], { input: text.join("---\n") });
}

/** Waits for the Deployment, asks the Service for a prediction, and removes the Deployment. */
async function answers({ name, revision }: Served): Promise<unknown> {
  // Not synchronous: the way to the store is in this process.
  await run("kubectl", ["-n", namespace, "rollout", "status", `deployment/${revision}`, "--timeout=150s"]);
  const address = kubectl("get", "service", name, "-o", "jsonpath={.spec.clusterIP}");
  const response = await fetch(`http://${address}/predict`, {
    method: "POST",
    body: JSON.stringify({ rows: [{ a: 1, b: 3 }] }),
    signal: AbortSignal.timeout(10_000),
  });
  const document: unknown = await response.json();
  kubectl("delete", "deployment", revision, "--wait=false");
  return document;
}

const predicted = { predictions: [14] };
const credentials = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "testsecret" };
/** As mlship.yaml says it: a server of one's own and its region. */
const fromStore = (): ModelSource => ({
  kind: "s3",
  store: `s3://${bucket}/pods`,
  endpoint: way.endpoint,
  region: "us-east-1",
  pathStyle: "auto",
  files: [file],
});

/** Waits until the init container has failed, and gives what it said. The Deployment is removed. */
async function complaint({ revision }: Served): Promise<string> {
  const selector = `app.kubernetes.io/instance=${revision}`;
  const status = "{.items[0].status.initContainerStatuses[0]";
  for (let waited = 0; waited < 120; waited += 1) {
    const get = (field: string) => kubectl("get", "pod", "-l", selector, "-o", `jsonpath=${status}${field}}`);
    if (kubectl("get", "pod", "-l", selector, "-o", "name") !== "") {
      const code = get(".state.terminated.exitCode") || get(".lastState.terminated.exitCode");
      if (code !== "") {
        expect(code).toBe("3");
        const said = kubectl("logs", "-l", selector, "-c", "fetch-model", "--tail=20");
        // Empty when the container was started again just now.
        if (said !== "") {
          kubectl("delete", "deployment", revision, "--wait=false");
          return said;
        }
      }
    }
    await sleep(1000);
  }
  throw new Error(kubectl("describe", "pod", "-l", selector));
}

test("baked: ready, and answers by its Service", async () => {
  const wanted = release("baked", images.baked, { kind: "baked" });
  apply(wanted);
  expect(await answers(wanted)).toMatchObject(predicted);
});

test("image volume: the model's image is mounted at its place", async () => {
  const wanted = release("volume", images.bare, { kind: "image-volume", reference: images.model });
  apply(wanted);
  expect(await answers(wanted)).toMatchObject(predicted);
});

test("s3: fetched, verified, served; connections that are cut are tried again", async () => {
  way.cuts = 2;
  const wanted = release("fetched", images.bare, fromStore(), credentials);
  apply(wanted);
  expect(await answers(wanted)).toMatchObject(predicted);
  expect(way.cuts).toBe(0);
  expect(way.taken).toBeGreaterThan(2);
});

test("s3: a wrong key, a changed object and a missing one each stop the pod with one line", async () => {
  const refused = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "wrong-secret" };
  const cases = {
    denied: { env: refused, change: () => undefined, says: "refuses to be read (403 SignatureDoesNotMatch)" },
    changed: {
      env: credentials,
      change: () => s3("PUT", blob, Buffer.from("9.5")),
      says: "the store was changed",
    },
    missing: {
      env: credentials,
      change: () => s3("DELETE", blob),
      says: "upload the release again",
    },
  };
  for (const [name, { env, change, says }] of Object.entries(cases)) {
    change();
    const wanted = release(name, images.bare, fromStore(), env);
    apply(wanted);
    const said = await complaint(wanted);
    expect(said).toContain(says);
    expect(said).not.toContain("secret");
  }
  s3("PUT", blob, modelFile);
});
