// A private package index that wants a password: the build gets it as a secret, and it is nowhere afterwards.
import { execFile } from "node:child_process";
import { createServer, type Server } from "node:http";
import { readdir, readFile, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { digestBytes } from "../../../src/digest.ts";
import { startBuildKit, type OwnBuildKit } from "./own-buildkit.ts";
import { openProject, type Project } from "../project.ts";

const run = promisify(execFile);
const base = `${process.env["MLSHIP_TEST_REGISTRY"]}/library/python:3.11-slim`;
const password = "hunter2-of-the-index";
let project: Project;
let builder: OwnBuildKit;
let index: Server | null;

beforeEach(async () => {
  index = null;
  project = await openProject();
  await project.take("onnx-multiclass");
  const document = {
    name: "iris",
    version: "1.0.0",
    model: { path: "model.onnx" },
    validate: { data: "data.csv", gates: { accuracy: { min: 0.5 } } },
    image: { base },
  };
  await writeFile(project.file("mlship.yaml"), JSON.stringify(document));
  builder = await startBuildKit();
});

afterEach(async () => {
  index?.closeAllConnections();
  index?.close();
  await builder.close();
  await project.close();
});

/** Serves wheels as PEP 503 says, to whom knows the password. @returns where, and what was given away */
async function serveWheels(folder: string): Promise<{ host: string; given: string[] }> {
  const wheels = await readdir(folder);
  const given: string[] = [];
  const allowed = `Basic ${Buffer.from(`team:${password}`).toString("base64")}`;
  const normal = (name: string) => name.toLowerCase().replaceAll(/[-_.]+/g, "-");
  const linkTo = async (wheel: string) => {
    const digest = digestBytes(await readFile(path.join(folder, wheel)));
    return `<a href="/files/${wheel}#${digest.replace(":", "=")}">${wheel}</a>`;
  };
  const answerTo = async (url: string): Promise<Buffer | string | null> => {
    const [, kind, name = ""] = url.split("/");
    if (kind === "files") {
      const wheel = wheels.find((one) => one === decodeURIComponent(name));
      if (wheel === undefined) return null;
      given.push(wheel);
      return await readFile(path.join(folder, wheel));
    }
    const found = wheels.filter((wheel) => normal(wheel.split("-")[0] ?? "") === name);
    if (kind !== "simple" || found.length === 0) return null;
    return `<!DOCTYPE html><html><body>${(await Promise.all(found.map(linkTo))).join("\n")}</body></html>`;
  };
  const server = createServer((asked, answer) => {
    if (asked.headers.authorization !== allowed) {
      answer.writeHead(401, { "www-authenticate": 'Basic realm="wheels"' }).end();
      return;
    }
    void answerTo(asked.url ?? "").then((body) =>
      body === null
        ? answer.writeHead(404).end()
        : answer
            .writeHead(200, { "content-type": typeof body === "string" ? "text/html" : "application/zip" })
            .end(body),
    );
  });
  index = server;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, given };
}

/** All files below a folder that hold a text, also where they are compressed. */
async function holding(folder: string, texts: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const bytes = await readFile(file);
    const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
    if (texts.some((text) => plain.includes(text))) found.push(file);
  }
  return found;
}

test("wheels come from a private index, and its password is in no layer, label, log or report", async () => {
  await project.mlship(["lock"]);
  await project.mlship(["generate"]);
  const wheels = await project.mkdir("wheels");
  const download = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", wheels];
  for (const list of ["uv.txt", "requirements-amd64.txt"]) {
    const file = project.file("deploy/image/build", list);
    await run("python3", [...download, "--require-hashes", "--requirement", file]);
  }
  const { host, given } = await serveWheels(wheels);
  const build = (word: string) => ({
    BUILDX_BUILDER: builder.name,
    UV_DEFAULT_INDEX: `http://team:${word}@${host}/simple`,
  });
  const refused = await project.mlship(["build", "--json"], 5, build("not-the-password"));
  expect(refused.stdout + refused.stderr).not.toContain("not-the-password");
  expect(given).toEqual([]);
  const built = await project.mlship(["build", "--json"], 0, build(password));
  expect(given.toSorted()).toEqual((await readdir(wheels)).toSorted());
  const secret = [password, Buffer.from(`team:${password}`).toString("base64")];
  for (const text of secret) expect(built.stdout + built.stderr).not.toContain(text);
  expect(await holding(project.folder, secret)).toEqual([]);
});
