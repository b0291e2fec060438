#!/usr/bin/env node
// Checks the Node version, turns on the compile cache and hands over to dist/main.js.
import module from "node:module";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
  process.stderr.write(`error: mlship needs Node 22.13 or newer, this is ${process.versions.node}\n`);
  process.exit(5);
}
module.enableCompileCache?.();
const { start } = await import("../dist/main.js");
await start();
