// One upload by one client, as a process of its own: `node client.ts mlship|lib-storage|bare ENDPOINT FILE [many]`. Run by run.ts.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { inParallel } from "../../../src/artifacts/in-parallel.ts";
import type { ArtifactSettings } from "../../../src/config/config.ts";
import { plainBucket } from "../../s3/plain-bucket.ts";

const [client, endpoint = "", source = "", how] = process.argv.slice(2);
const together = 16;

const settings: ArtifactSettings = {
  store: "s3://bench/store",
  singleWriter: false,
  encryption: null,
  s3: { ...plainBucket, endpoint },
};

async function byMlship(): Promise<void> {
  const { openS3Store } = await import("../../../src/tools/s3/open.ts");
  const store = await openS3Store(settings, {
    signal: new AbortController().signal,
    version: "bench",
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    now: Date.now,
  });
  if (how !== "many") {
    // The digest is known before, from the report; the engine reads the file once and compares.
    const digest = readFileSync(`${source}.sha256`, "utf8") as `sha256:${string}`;
    await store.create("blob", { file: source, size: statSync(source).size, digest });
    return;
  }
  const known = JSON.parse(readFileSync(`${source}.json`, "utf8")) as Record<string, `sha256:${string}`>;
  await inParallel(Object.entries(known), async ([name, digest]) => {
    const file = join(source, name);
    await store.create(`blobs/${digest.slice(7)}`, { file, size: statSync(file).size, digest });
  });
}

/** The requests alone: no signature, no checksum, no digest. */
async function bare(): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  const { hostname, port } = new URL(endpoint);
  const files = readdirSync(source).map((name) => join(source, name));
  const work = async () => {
    for (let file = files.pop(); file !== undefined; file = files.pop()) {
      const body = readFileSync(file);
      const path = `/bench/${file.split("/").at(-1)}`;
      await new Promise<void>((resolve, reject) => {
        const headers = { "content-length": body.length };
        const outgoing = request({ agent, hostname, port, path, method: "PUT", headers }, (reply) => {
          reply.resume();
          reply.on("end", resolve);
        });
        outgoing.on("error", reject);
        outgoing.end(body);
      });
    }
  };
  await Promise.all(Array.from({ length: together }, work));
  agent.destroy();
}

await (client === "bare" ? bare() : byMlship());
process.exit(0);
