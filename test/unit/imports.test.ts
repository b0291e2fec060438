// The shape of src/: rooms import only rooms before them, the outside world has few doors, files are small.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const order = [
  "config",
  "model",
  "validation",
  "image",
  "artifacts",
  "cluster",
  "rollout",
  "targets",
  "commands",
  "program",
  "main",
];
const foundations = new Set(["errors", "digest"]);
const roots = new Set(["host", "gateway", "leash"]);

const files = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => ({ file, text: readFileSync(path.join("src", file), "utf8") }));

/** Relative imports as files below src/, with whether only types come over. */
function importsOf({ file, text }: { file: string; text: string }) {
  const found: { to: string; typeOnly: boolean }[] = [];
  const pattern = /(?:^|\n)(import|export)( type)?[^;"]*?from "(\.[^"]+)"|import\("(\.[^"]+)"\)/g;
  for (const [, , typeOnly, static_, dynamic] of text.matchAll(pattern)) {
    const to = path.join(path.dirname(file), static_ ?? dynamic ?? "");
    found.push({ to, typeOnly: typeOnly !== undefined });
  }
  return found;
}

const packagesOf = (text: string) =>
  [...text.matchAll(/from "([^."][^"]*)"|import\("([^."][^"]*)"\)/g)].map((match) => match[1] ?? match[2]);
const roomOf = (file: string) => file.split("/")[0]?.replace(/\.ts$/, "") ?? "";

test("the import graph is read at all", () => {
  expect(files.length).toBeGreaterThan(20);
  expect(files.flatMap(importsOf).length).toBeGreaterThan(50);
});

test("a room imports only rooms before it", () => {
  const wrong: string[] = [];
  for (const file of files) {
    const from = roomOf(file.file);
    for (const { to, typeOnly } of importsOf(file)) {
      const room = roomOf(to);
      if (room === from || foundations.has(room) || roots.has(from)) continue;
      if (room === "shell") continue;
      // Tools implement the ports of any room; renderers know the documents of any room.
      if (from === "tools" && order.indexOf(room) >= 0 && order.indexOf(room) <= order.indexOf("commands"))
        continue;
      if (from === "ui" && (typeOnly || room === "validation" || room === "config" || room === "rollout"))
        continue;
      if (from === "shell" && typeOnly) continue;
      if (["program", "main"].includes(from) && (room === "ui" || room === "host")) continue;
      if (order.includes(from) && order.includes(room) && order.indexOf(room) < order.indexOf(from)) continue;
      wrong.push(`${file.file} → ${to}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("only the composition roots import tools", () => {
  const wrong = files
    .filter(({ file }) => !roots.has(roomOf(file)) && roomOf(file) !== "tools")
    .filter((file) => importsOf(file).some(({ to }) => roomOf(to) === "tools"))
    .map(({ file }) => file);
  expect(wrong).toEqual([]);
});

test("no import cycle", () => {
  const graph = new Map(
    files.map((file) => [
      file.file,
      importsOf(file)
        .filter(({ typeOnly }) => !typeOnly)
        .map(({ to }) => to),
    ]),
  );
  const done = new Set<string>();
  const walk = (file: string, trail: string[]): void => {
    if (trail.includes(file))
      throw new Error(`cycle: ${[...trail.slice(trail.indexOf(file)), file].join(" → ")}`);
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) if (graph.has(next)) walk(next, [...trail, file]);
    done.add(file);
  };
  for (const file of graph.keys()) walk(file, []);
  expect(done.size).toBe(graph.size);
});

test("processes are started in tools only, the network is reached from tools and targets only", () => {
  const doors: Record<string, string[]> = {
    "node:child_process": ["tools"],
    execa: ["tools"],
    "node:http": ["tools", "targets"],
    "node:net": ["tools", "targets"],
    undici: ["tools", "targets"],
  };
  const wrong: string[] = [];
  for (const { file, text } of files) {
    for (const name of packagesOf(text)) {
      const allowed = doors[name ?? ""];
      if (allowed && !allowed.includes(roomOf(file))) wrong.push(`${file} → ${name}`);
    }
    if (/\bfetch\(/.test(text) && !["tools", "targets"].includes(roomOf(file))) wrong.push(`${file} → fetch`);
  }
  expect(wrong).toEqual([]);
});

test("only the composition roots read the process", () => {
  const wrong = files
    .filter(({ file }) => !roots.has(roomOf(file)))
    .filter(({ text }) => /\bprocess\.(env|argv|cwd|std|exit|on|pid)\b|\bDate\.now\(|new Date\(\)/.test(text))
    .map(({ file }) => file);
  expect(wrong).toEqual([]);
});

test("every file opens with a line that says what it is for, and holds one idea", () => {
  const wrong = files
    .map(({ file, text }) => ({ file, text, lines: text.split("\n").length }))
    .filter(({ text, lines }) => !text.startsWith("// ") || lines > 300)
    .map(({ file, lines }) => `${file} (${lines} lines)`);
  expect(wrong).toEqual([]);
});
