// The real Grype, with a database of one made-up finding, on an image layout: found, fixed, and without a database.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { digestBytes, type Digest } from "../../../src/digest.ts";
import { mediaTypes } from "../../../src/image/oci/manifest.ts";
import { scanImage } from "../../../src/image/check/vulnerabilities.ts";
import { findScanner } from "../../../src/tools/scanner.ts";

const run = promisify(execFile);
/** Grype, and the program that writes a database for it; see testbed/engines/judges.sh. */
const bin = process.env["MLSHIP_TEST_GRYPE"] ?? "";
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "mlship-scan-image-"));
  await run(path.join(bin, "grype-database"), [path.join(folder, "db", "6")]);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** A layout of one image that holds one Python distribution. */
async function makeLayout(version: string): Promise<{ layout: string; manifest: Digest }> {
  const layout = await mkdtemp(path.join(folder, "layout-"));
  await mkdir(path.join(layout, "blobs", "sha256"), { recursive: true });
  const blob = async (bytes: Uint8Array) => {
    const digest = digestBytes(bytes);
    await writeFile(path.join(layout, "blobs", digest.replace(":", "/")), bytes);
    return { digest, size: bytes.length };
  };
  const archive = pack();
  const installed = `app/python/leakylib-${version}.dist-info`;
  archive.entry(
    { name: `${installed}/METADATA` },
    `Metadata-Version: 2.1\nName: leakylib\nVersion: ${version}\n\n`,
  );
  archive.entry({ name: `${installed}/RECORD` }, "leakylib/__init__.py,,\n");
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive as AsyncIterable<Buffer>) chunks.push(chunk);
  const tar = Buffer.concat(chunks);
  const rootfs = { type: "layers", diff_ids: [digestBytes(tar)] };
  const config = await blob(Buffer.from(JSON.stringify({ architecture: "amd64", os: "linux", rootfs })));
  const manifest = await blob(
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        config: { mediaType: mediaTypes.config, ...config },
        layers: [{ mediaType: mediaTypes.layer, ...(await blob(gzipSync(tar))) }],
      }),
    ),
  );
  return { layout, manifest: manifest.digest };
}

/** What a build would be told. @param database name of a folder, which may not be there */
async function scan(version: string, failOn: "high" | "critical", database = "db"): Promise<string[]> {
  const { layout, manifest } = await makeLayout(version);
  const scanner = await findScanner({
    PATH: `${bin}:/usr/bin:/bin`,
    HOME: folder,
    GRYPE_DB_CACHE_DIR: path.join(folder, database),
    GRYPE_DB_AUTO_UPDATE: "false",
    GRYPE_CHECK_FOR_APP_UPDATE: "false",
  });
  const lines: string[] = [];
  await scanImage(layout, [manifest], failOn, scanner, (line) => void lines.push(line));
  return lines;
}

test("a finding of that severity stops the build, named with its fix", async () => {
  await expect(scan("1.2.3", "high")).rejects.toMatchObject({
    code: "image.vulnerable",
    exit: "gate",
    problems: [{ what: "leakylib 1.2.3: GHSA-test-0000-0001, high, fixed in 1.2.4" }],
  });
});

test("one below it, and the fixed version, pass", async () => {
  expect(await scan("1.2.3", "critical")).toEqual(["known vulnerabilities: 1 below critical, by Grype"]);
  expect(await scan("1.2.4", "high")).toEqual(["known vulnerabilities: none, by Grype"]);
});

test("without a database nothing has passed", async () => {
  await expect(scan("1.2.4", "high", "absent")).rejects.toMatchObject({
    code: "scanner.failed",
    exit: "unavailable",
    why: expect.stringContaining("database does not exist") as string,
  });
});
