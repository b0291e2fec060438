// Uploads one file from a process of its own, and tells how far it is: `node uploader.ts URL BUCKET FILE`.
import { basename } from "node:path";
import { readFileSync, statSync } from "node:fs";
import { digestFile } from "../../src/digest.ts";
import { openStore } from "./open-store.ts";

const [url = "", bucket = "", file = ""] = process.argv.slice(2);
const digest = await digestFile(file);
const store = await openStore({ url, bucket });
let sent = 0;
const outcome = await store.create(
  `blobs/${basename(file)}`,
  { file, size: statSync(file).size, digest },
  (bytes) => {
    sent += bytes;
    console.log(`sent ${sent}`);
  },
);
// Not resourceUsage: its maximum starts with the memory of the process that spawned this one.
const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
console.log(`${outcome} ${Number(kibibytes) * 1024}`);
