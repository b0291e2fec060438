// `mlship push` to a real registry: only what is missing travels, cuts and kills do no harm, refusals are told.
import { randomBytes } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digestBytes } from "../../../src/digest.ts";
import { parseReference } from "../../../src/image/oci/reference.ts";
import { openClient } from "../../local/registry/client.ts";
import { keepBuilt } from "../../unit/image/kept-image.ts";
import { eventually, openProject, type Project } from "../project.ts";
import { openCutWay, startRealRegistry, type CutWay, type RealRegistry } from "../registry/registry.ts";

let registry: RealRegistry;
let way: CutWay;
const projects: Project[] = [];

beforeAll(async () => {
  registry = await startRealRegistry();
  way = await openCutWay(registry.host);
});

afterAll(async () => {
  for (const project of projects) await project.close();
  await way.close();
  await registry.close();
});

/** A project with an image to push. @param layers the first is the base's */
async function projectWith(
  repository: string,
  layers: (string | Uint8Array)[],
  version = "1.0.0",
): Promise<Project> {
  const project = await openProject();
  projects.push(project);
  await writeFile(project.file("test_data.csv"), "a,target\n1,0\n");
  await writeFile(project.file("model.joblib"), "");
  await project.write(version, { image: { repository } });
  // No `mlship stop` is needed afterwards: nothing of it ever serves.
  await keepBuilt(project.file(".mlship"), { name: "tumour", version }, layers);
  return project;
}

interface Pushed {
  reference: string;
  digest: string;
  bytes: number;
  blobs: { sent: number; present: number };
  attestations: { sent: number; present: number };
}

const megabytes = (count: number) => randomBytes(count * 1_000_000);

describe("an image", () => {
  test("is there under its digest, and a second push sends nothing", async () => {
    const repository = `${registry.host}/acme/twice`;
    const project = await projectWith(repository, ["base", megabytes(5)]);
    const { stdout } = await project.mlship(["push"]);
    const { registry: client } = openClient(project.folder);
    const stored = await client.manifest(parseReference(`${repository}:1.0.0`));
    expect(stdout).toBe(`${repository}@${stored?.digest}\n`);
    const again = await project.json<Pushed>(["push"]);
    expect(again).toMatchObject({
      bytes: 0,
      blobs: { sent: 0, present: 3 },
      attestations: { sent: 0, present: 1 },
    });
    // This registry is older than the referrers API: the statement is listed under the tag.
    const listed = await client.manifest(parseReference(`${repository}:${again.digest.replace(":", "-")}`));
    expect(JSON.parse(Buffer.from(listed?.bytes ?? []).toString())).toMatchObject({
      manifests: [{ size: expect.any(Number) }],
    });
  });

  test("of the next version sends what changed", async () => {
    const repository = `${registry.host}/acme/next`;
    const model = megabytes(5);
    await (await projectWith(repository, ["base", model, "handler 1"])).mlship(["push"]);
    const next = await projectWith(repository, ["base", model, "handler 2"], "1.1.0");
    const pushed = await next.json<Pushed>(["push"]);
    expect(pushed.blobs).toEqual({ sent: 2, present: 2 });
    expect(pushed.bytes).toBeLessThan(1000);
  });

  test("of a version that is another image is refused", async () => {
    const repository = `${registry.host}/acme/taken`;
    await (await projectWith(repository, ["base", "one"])).mlship(["push"]);
    const { told } = await (await projectWith(repository, ["base", "two"])).mlship(["push"], 2);
    expect(told).toContain("a version names one image for ever");
  });
});

describe("a connection", () => {
  test.each([500, 1_000_000, 16_000_000, 20_000_000, 39_000_000])(
    "that is cut after %i bytes is taken up again",
    async (bytes) => {
      const before = way.cuts;
      const model = megabytes(40);
      const repository = `${way.host}/acme/cut-${bytes}`;
      const project = await projectWith(repository, ["base", model]);
      way.at(bytes);
      const pushed = await project.json<Pushed>(["push"]);
      expect(way.cuts).toBe(before + 1);
      expect(pushed.blobs).toEqual({ sent: 3, present: 0 });
      // Distribution 2.8 forgets an upload whose piece was cut: at worst the blob travels twice, never more.
      expect(way.gone).toBeLessThan(2 * model.length + 1_000_000);
      const { registry: client } = openClient(project.folder);
      const found = await client.blob(parseReference(repository), digestBytes(model));
      expect(found.length).toBe(model.length);
    },
  );

  test("on which mlship is killed leaves no version, and the same command finishes", async () => {
    const repository = `${way.host}/acme/killed`;
    const project = await projectWith(repository, ["base", megabytes(40)]);
    const before = way.cuts;
    way.at(25_000_000, "still");
    const running = project.start(["push"]);
    await eventually("the upload stands still", () => way.cuts > before);
    running.process.kill("SIGKILL");
    await running.ended;
    way.at(null);
    const { registry: client } = openClient(project.folder);
    expect(await client.manifest(parseReference(`${repository}:1.0.0`))).toBe(null);
    const pushed = await project.json<Pushed>(["push"]);
    expect(pushed.blobs.sent + pushed.blobs.present).toBe(3);
    expect((await client.manifest(parseReference(`${repository}:1.0.0`)))?.digest).toBe(pushed.digest);
  });

  test("on which Ctrl-C comes ends at once, with 130 and no version", async () => {
    const repository = `${way.host}/acme/interrupted`;
    const project = await projectWith(repository, ["base", megabytes(40)]);
    const before = way.cuts;
    way.at(25_000_000, "still");
    const running = project.start(["push"]);
    await eventually("the upload stands still", () => way.cuts > before);
    running.process.kill("SIGINT");
    expect((await running.ended).code).toBe(130);
    way.at(null);
    expect(await openClient(project.folder).registry.manifest(parseReference(`${repository}:1.0.0`))).toBe(
      null,
    );
  });
});

describe("a registry that knows its users", () => {
  const user = { name: "ada", password: "corr:ect horse" };
  let guarded: RealRegistry;
  beforeAll(async () => {
    guarded = await startRealRegistry({ user });
  });
  afterAll(() => guarded.close());

  test("tells the unknown how to log in, and takes who `docker login` left", async () => {
    const project = await projectWith(`${guarded.host}/acme/login`, ["base", "model"]);
    const env = { DOCKER_CONFIG: project.folder };
    const refused = await project.mlship(["push"], 5, env);
    expect(refused.told).toContain(`docker login ${guarded.host}`);
    const login = async (password: string) => {
      const auth = Buffer.from(`${user.name}:${password}`).toString("base64");
      await writeFile(project.file("config.json"), JSON.stringify({ auths: { [guarded.host]: { auth } } }));
    };
    await login("wrong-password");
    const wrong = await project.mlship(["push", "--verbose"], 5, env);
    expect(wrong.told).not.toMatch(/wrong-password|Basic [A-Za-z0-9]/);
    await login(user.password);
    await project.mlship(["push"], 0, env);
  });

  test("takes whom a credential helper names", async () => {
    const project = await projectWith(`${guarded.host}/acme/helper`, ["base", "model"]);
    await mkdir(project.file("bin"));
    const helper = project.file("bin/docker-credential-e2e");
    const answer = JSON.stringify({ ServerURL: guarded.host, Username: user.name, Secret: user.password });
    await writeFile(
      helper,
      `#!/bin/sh\nread host\ntest "$1 $host" = "get ${guarded.host}" || exit 1\necho '${answer}'\n`,
    );
    await chmod(helper, 0o755);
    await writeFile(project.file("config.json"), JSON.stringify({ credHelpers: { [guarded.host]: "e2e" } }));
    const env = { DOCKER_CONFIG: project.folder, PATH: `${project.file("bin")}:${process.env["PATH"]}` };
    await project.mlship(["push"], 0, env);
  });
});

describe("a registry that takes nothing", () => {
  test("because it is read-only is told so", async () => {
    const readOnly = await startRealRegistry({ readOnly: true });
    try {
      const project = await projectWith(`${readOnly.host}/acme/none`, ["base", "model"]);
      expect((await project.mlship(["push"], 5)).told).toContain("read-only");
    } finally {
      await readOnly.close();
    }
  });

  test("because nothing listens there is unreachable", async () => {
    const gone = await startRealRegistry();
    await gone.close();
    const project = await projectWith(`${gone.host}/acme/none`, ["base", "model"]);
    expect((await project.mlship(["push"], 5)).told).toContain("cannot be reached");
  });
});
