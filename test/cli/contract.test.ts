// What the table of verbs and the reference promise, held against the code.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { makeProgram } from "../../src/program/program.ts";
import { verbs } from "../../src/program/verbs.ts";
import type { Shell } from "../../src/shell.ts";

/** A shell whose verbs begin, and then find no world to act in. */
class Reached extends Error {}

function shell(): Shell {
  const sink = { write: () => {}, isTerminal: false, columns: 80 };
  return { stdout: sink, stderr: sink, env: {}, version: "0.1.0", host: () => Promise.reject(new Reached()) };
}

test.each(verbs.flatMap(({ name, examples }) => examples.map(([command]) => [command, name] as const)))(
  "the example `%s` is one of the verb %s, and it parses",
  async (command, name) => {
    expect(command).toMatch(new RegExp(`^mlship ${name}( |$)`));
    const words = command
      .replace(/ > .*$/, "")
      .split(" ")
      .slice(1);
    const parsed = makeProgram(shell(), () => {}).parseAsync(words, { from: "user" });
    await expect(parsed).rejects.toBeInstanceOf(Reached);
  },
);

test("every verb has an example, a summary that fits its line, and what it is about", () => {
  for (const { name, examples, summary, about } of verbs) {
    const kept = {
      examples: examples.length > 0,
      summary: summary.length <= 52,
      about: /^[A-Z].*\.$/s.test(about),
    };
    expect({ name, ...kept }).toEqual({ name, examples: true, summary: true, about: true });
  }
});

test("every error code is in the reference, on a line of its own", () => {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  const codes = new Set(
    files.flatMap((file) => {
      const text = readFileSync(path.join("src", file), "utf8");
      return [...text.matchAll(/new MlshipError\(\{\s*code: "([a-z0-9.-]+)"/g)].map(([, code]) => code!);
    }),
  );
  expect(codes.size).toBeGreaterThan(60);
  const reference = readFileSync(path.join("docs", "reference", "errors.md"), "utf8").split("\n");
  const missing = [...codes].filter((code) => !reference.some((line) => line.includes(`\`${code}\``)));
  expect(missing).toEqual([]);
});
