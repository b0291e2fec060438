// Servers that the system refuses to start: told as a server that ended, whoever refuses.
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { localServers } from "../../src/tools/launch.ts";

let folder: string;
const silent = { stdout: () => {}, stderr: () => {} };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mlship-launch-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a program that is not there", async () => {
  const server = localServers({}).start(join(folder, "python"), [], folder, silent);
  expect(await server.ended).toContain("ENOENT");
});

test("a program that is being written", async () => {
  const program = join(folder, "python");
  writeFileSync(program, "#!/bin/sh\n", { mode: 0o755 });
  const writing = openSync(program, "a");
  const server = localServers({}).start(program, [], folder, silent);
  expect(await server.ended).toContain("ETXTBSY");
  closeSync(writing);
  server.terminate();
  server.kill();
});
