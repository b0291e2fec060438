// The S3 engine on real servers: killed and resumed elsewhere, damaged on the way, encrypted, locked, bounded in memory.
import { spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestBytes, digestFile } from "../../../src/digest.ts";
import { ask } from "../../s3/ask.ts";
import type { Place } from "../../s3/ask.ts";
import { openStore } from "../../s3/open-store.ts";
import { openBucket, removeBucket } from "../../s3/own-bucket.ts";
import { openWire } from "../../s3/wire.ts";
import type { TestWire } from "../../s3/wire.ts";

const mebi = 2 ** 20;
const part = 8 * mebi;
/** Parts that the engine has in memory at once. */
const together = 5;
const size = 12 * part;

describe.each(["MLSHIP_TEST_S3", "MLSHIP_TEST_S3_MINIO"])("%s", (name) => {
  let server: string;
  let place: Place;
  let wire: TestWire;
  let scratch: string;

  beforeAll(async () => {
    place = await openBucket(env[name]);
    server = place.url;
    wire = await openWire(server);
    scratch = mkdtempSync(join(tmpdir(), "mlship-s3-e2e-"));
  });

  afterAll(async () => {
    await wire.close();
    await removeBucket(place);
    rmSync(scratch, { recursive: true, force: true });
  });

  function makeFile(bytes: number): string {
    const file = join(scratch, randomUUID());
    writeFileSync(file, randomBytes(bytes));
    return file;
  }

  /** Runs the uploader in a home of its own. @param until bytes after which it is killed @returns its last line */
  async function upload(file: string, until = Infinity): Promise<string> {
    const uploader = join(import.meta.dirname, "../../s3/uploader.ts");
    const home = mkdtempSync(join(scratch, "home-"));
    const child = spawn(process.execPath, [uploader, wire.url, place.bucket, file], {
      env: { PATH: env["PATH"], HOME: home, NODE_NO_WARNINGS: "1" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let last = "";
    for await (const line of createInterface({ input: child.stdout })) {
      last = line;
      const [, sent] = /^sent (\d+)$/.exec(line) ?? [];
      if (sent !== undefined && Number(sent) >= until) child.kill("SIGKILL");
    }
    return last;
  }

  it.each([0.1, 0.5, 0.9])("finishes elsewhere what was killed at %d, and sends the rest", async (share) => {
    const file = makeFile(size);
    const before = wire.sent;
    expect(await upload(file, share * size)).toMatch(/^sent /);
    const first = wire.sent - before;
    expect(await upload(file)).toMatch(/^created /);
    const total = wire.sent - before;
    // What was under way when it was killed is sent again, and requests have heads.
    expect(total).toBeLessThanOrEqual(size + together * part + mebi);
    expect(total - first).toBeLessThanOrEqual(size - share * size + together * part + mebi);
    const copy = join(scratch, "copy");
    const store = await openStore(place);
    expect(await store.download(`blobs/${file.split("/").at(-1)}`, copy)).toBe(true);
    expect(await digestFile(copy)).toBe(await digestFile(file));
  });

  it("takes memory for the parts under way, not for the file", async () => {
    const big = 32 * part;
    const [small, large] = [await upload(makeFile(9 * mebi)), await upload(makeFile(big))];
    const memory = (line: string) => Number(/^created (\d+)$/.exec(line)?.[1]);
    expect(memory(large) - memory(small)).toBeLessThan(together * part + 32 * mebi);
  });

  it("sends again what was damaged on the way, and stores what was meant", async () => {
    const store = await openStore({ ...place, url: wire.url });
    const bytes = randomBytes(2 * mebi);
    wire.damageAt = wire.sent + mebi;
    expect(await store.create("damaged/small", bytes)).toBe("created");
    expect(wire.damageAt).toBeNull();
    const file = makeFile(3 * part);
    wire.damageAt = wire.sent + 2 * part;
    const body = { file, size: 3 * part, digest: await digestFile(file) };
    expect(await store.create("damaged/large", body)).toBe("created");
    expect(wire.damageAt).toBeNull();
    expect(digestBytes((await store.read("damaged/small")) ?? "")).toBe(digestBytes(bytes));
    expect(digestBytes((await store.read("damaged/large")) ?? "")).toBe(body.digest);
  });

  it("encrypts as it is asked, or refuses before anything is sent", async () => {
    for (const encryption of ["s3", "kms"] as const) {
      const store = await openStore(place, { encryption });
      const file = makeFile(9 * mebi);
      const body = { file, size: 9 * mebi, digest: await digestFile(file) };
      const key = `encrypted/${encryption}`;
      if (name === "MLSHIP_TEST_S3") {
        // versitygw takes the headers and does nothing.
        await expect(store.create(key, body)).rejects.toMatchObject({ code: "store.encryption-ignored" });
        expect(await store.size(key)).toBeNull();
        continue;
      }
      expect(await store.create(key, body)).toBe("created");
      expect(await store.create(`${key}-small`, Buffer.from("1"))).toBe("created");
      for (const stored of [key, `${key}-small`]) {
        const { headers } = await ask(place, { method: "HEAD", key: `team/${stored}` });
        expect(headers["x-amz-server-side-encryption"]).toBe(encryption === "s3" ? "AES256" : "aws:kms");
      }
    }
  });

  it("locks objects in a bucket that has locks, and is refused where it has none", async () => {
    const lock = { mode: "governance", days: 1 } as const;
    const unlocked = await openStore(place, { lock });
    await expect(unlocked.create("a", Buffer.from("1"))).rejects.toMatchObject({ code: "store.lock" });
    const locked = { url: server, bucket: `mlship-lock-${randomUUID()}` };
    await ask(locked, { method: "PUT", headers: { "x-amz-bucket-object-lock-enabled": "true" } });
    const store = await openStore(locked, { lock });
    expect(await store.create("a", Buffer.from("1"))).toBe("created");
    const { headers } = await ask(locked, { method: "HEAD", key: "team/a" });
    expect(headers["x-amz-object-lock-mode"]).toBe("GOVERNANCE");
    const version = { versionId: String(headers["x-amz-version-id"]) };
    const kept = await ask(locked, { method: "DELETE", key: "team/a", query: version });
    expect(kept.status).toBeGreaterThanOrEqual(400);
    const bypass = { "x-amz-bypass-governance-retention": "true" };
    await ask(locked, { method: "DELETE", key: "team/a", query: version, headers: bypass });
    await ask(locked, { method: "DELETE" });
  });
});
