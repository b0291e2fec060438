// Models that are no layer of the image, for real: an image of their own that pods mount, and files from S3.
import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { PushDocument } from "../../../src/commands/push.ts";
import type { BuiltImage } from "../../../src/image/built.ts";
import { onEngine } from "./left.ts";
import { startRealRegistry, type RealRegistry } from "../registry/registry.ts";
import { openCancer, type Project } from "../project.ts";

const base = `${process.env["MLSHIP_TEST_REGISTRY"]}/library/python:3.11-slim`;
let project: Project;
let registry: RealRegistry;

beforeEach(async () => {
  registry = await startRealRegistry();
  project = await openCancer();
});

afterEach(async () => {
  await registry.close();
  await project.close();
});

/** The names of the image's layers above the base. */
const layersOf = ({ images }: BuiltImage) =>
  images[0]?.layers.map(({ name }) => name).filter((name) => name !== "base");

test("image-volume: the model's image is made, pushed beside the server's, and named by its digest", async () => {
  const image = { base, repository: `${registry.host}/delivery`, delivery: "image-volume" };
  await project.write("1.0.0", { image });
  const built = await project.json<BuiltImage>(["build"]);
  expect(layersOf(built)).toEqual(["environment", "server", "runtime"]);
  expect(built.images[0]?.selfTest).toMatchObject({ parity: { flips: 0 }, drain: { exitCode: 0 } });
  expect(await onEngine(project.folder)).toEqual([]);
  const pushed = await project.json<PushDocument>(["push"]);
  expect(pushed.model).toMatchObject({ digest: built.modelImage?.digest, tag: "model-1.0.0" });
  expect((await project.json<PushDocument>(["push"])).model).toMatchObject({ bytes: 0 });
  const manifests = `http://${registry.host}/v2/delivery/manifests`;
  const accept = { Accept: "application/vnd.oci.image.manifest.v1+json" };
  const answer = await fetch(`${manifests}/model-1.0.0`, { headers: accept });
  expect(answer.headers.get("docker-content-digest")).toBe(built.modelImage?.digest);
  const { layers } = (await answer.json()) as { layers: { digest: string }[] };
  const blob = await fetch(`http://${registry.host}/v2/delivery/blobs/${layers[0]?.digest}`);
  const tar = Buffer.from(await blob.arrayBuffer());
  expect(tar.includes("app/model/model.joblib")).toBe(true);
  expect(tar.includes(await readFile(project.file("model.joblib")))).toBe(true);
  await project.mlship(["generate"]);
  const deployment = await readFile(project.file("deploy/kubernetes/deployment.yaml"), "utf8");
  expect(deployment).toContain(`reference: ${pushed.model?.reference}`);
  expect(deployment).toContain(`image: ${pushed.reference}`);
  // Built again from nothing, it is the same image.
  const again = await project.json<BuiltImage>(["build", "--no-cache"]);
  expect(again.modelImage).toEqual(built.modelImage);
});

test("s3: the image holds no model, and is tried out with the model's files", async () => {
  await project.write("1.0.0", { image: { base, delivery: "s3" } });
  const built = await project.json<BuiltImage>(["build"]);
  expect(layersOf(built)).toEqual(["environment", "server", "runtime"]);
  expect(built.modelImage).toBeNull();
  expect(built.images[0]?.selfTest).toMatchObject({ parity: { flips: 0 }, drain: { exitCode: 0 } });
  expect(await onEngine(project.folder)).toEqual([]);
});
