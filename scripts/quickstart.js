// `npm run quickstart`: installs and builds what is missing, then tells the story on the project's own Node.
// Runs on any Node from 20 on, so it uses nothing newer.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";

const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ["npm"];

function run(command, ...args) {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", "inherit", "inherit"] });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

const installed = "node_modules/.package-lock.json";
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync("package-lock.json").mtimeMs) {
  console.log("Installing from the lock file (npm ci) ...");
  run(...npm, "ci", "--no-audit", "--no-fund", "--loglevel=error");
}
run("node_modules/.bin/node", "scripts/build.js");
run("node_modules/.bin/node", "scripts/quickstart.ts");
