// The documentation says what is so: links lead somewhere, commands parse, configurations load, pages are current.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { CommanderError } from "commander";
import { expect, test } from "vitest";
import { programOf } from "../../scripts/reference/cli.ts";
import { errorCodes } from "../../scripts/reference/errors.ts";
import { referenceFiles } from "../../scripts/reference/pages.ts";
import { loadConfig } from "../../src/config/load.ts";

const files = [
  "README.md",
  "CHANGELOG.md",
  ...readdirSync("docs", { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => path.join("docs", file)),
];
const texts = files.map((file) => ({ file, text: readFileSync(file, "utf8") }));
const fence = /^( *)```(\w*)\n([\s\S]*?)^\1```$/gm;
const blocks = texts.flatMap(({ file, text }) =>
  [...text.matchAll(fence)].map(([, , language = "", content = ""]) => ({ file, language, content })),
);

test("the reference is what the sources say now", () => {
  for (const [file, text] of Object.entries(referenceFiles())) {
    expect(readFileSync(file, "utf8"), `${file}: run npm run reference`).toBe(text);
  }
});

/** GitHub's anchors: headings in lower case with hyphens, and the ones that are written out. */
function anchorsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-"),
  );
  return [...headings, ...[...text.matchAll(/<a id="([^"]+)">/g)].map(([, id = ""]) => id)];
}

test("every relative link leads to a file, and to a heading in it", () => {
  const links = texts.flatMap(({ file, text }) =>
    [...text.replaceAll(fence, "").matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = ""]) => ({ file, to })),
  );
  expect(links.length).toBeGreaterThan(30);
  const broken = links
    .filter(({ to }) => !/^https?:/.test(to))
    .filter(({ file, to }) => {
      const [name = "", anchor] = to.split("#");
      const target = name === "" ? file : path.join(path.dirname(file), name);
      return !existsSync(target) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
    });
  expect(broken).toEqual([]);
});

/** The words of a command line up to its redirection, pipe or comment; null when it is none of mlship. */
function wordsOf(line: string): string[] | null {
  const words: string[] = [];
  for (const [part, double, single] of line.matchAll(/"([^"]*)"|'([^']*)'|[^\s"']+/g)) {
    if (["#", ">", "|", "&&", ";"].includes(part)) break;
    words.push(double ?? single ?? part);
  }
  while (/^[A-Z_]+=|^npx$/.test(words[0] ?? "")) words.shift();
  return words[0] === "mlship" ? words.slice(1) : null;
}

const commandLines = [
  ...blocks.flatMap(({ file, language, content }) =>
    content.split("\n").flatMap((line) => {
      const prompted = /^\s*\$ (.*)$/.exec(line)?.[1] ?? /^\s*(?:- )?run: (.*)$/.exec(line)?.[1];
      return { file, line: prompted ?? (language === "sh" ? line : "") };
    }),
  ),
  ...texts.flatMap(({ file, text }) =>
    [...text.replaceAll(fence, "").matchAll(/`(mlship [^`\n]+)`/g)].map(([, line = ""]) => ({ file, line })),
  ),
].flatMap(({ file, line }) => {
  const words = wordsOf(line);
  return words === null ? [] : [{ file, line, words }];
});

class Understood extends Error {}

/** Parses with the real program; the verb itself never begins. */
async function parse(words: string[]): Promise<string | null> {
  const program = programOf({ host: () => Promise.reject(new Understood()) });
  // It prints its script past the shell; its one argument is checked below.
  if (words[0] === "completion")
    return ["bash", "zsh", "fish", "powershell"].includes(words[1] ?? "") ? null : "shell";
  try {
    await program.parseAsync(words, { from: "user" });
    return null;
  } catch (error) {
    if (error instanceof Understood || (error instanceof CommanderError && error.exitCode === 0)) return null;
    return error instanceof Error ? error.message : String(error);
  }
}

test("every command line that is shown parses", async () => {
  expect(commandLines.length).toBeGreaterThan(60);
  const wrong: string[] = [];
  for (const { file, line, words } of commandLines) {
    const problem = await parse(words);
    if (problem !== null) wrong.push(`${file}: ${line}: ${problem}`);
  }
  expect(wrong).toEqual([]);
  expect(await parse(["deploy", "--no-such-flag"])).toMatch(/unknown option/);
});

test("errors advise only what there is", async () => {
  const advised = errorCodes().flatMap(({ code, fixes }) =>
    fixes.flatMap((fix) =>
      [
        ...fix.matchAll(/(?<!of |install )mlship ((?:(?:keys|config) )?[a-z]+(?: --[a-z]+(?: [A-Z]+)?)?)/g),
      ].map(([, line = ""]) => ({
        code,
        line,
      })),
    ),
  );
  expect(advised.length).toBeGreaterThan(10);
  for (const { code, line } of advised)
    expect(await parse(line.split(" ")), `${code}: mlship ${line}`).toBeNull();
});

test("every configuration that is shown loads", async () => {
  const shown = blocks.filter(
    ({ language, content }) => language === "yaml" && /^(#.*\n)*name:/.test(content),
  );
  expect(shown.length).toBeGreaterThan(2);
  const folder = mkdtempSync(path.join(tmpdir(), "mlship-docs-"));
  try {
    for (const { content } of shown) {
      writeFileSync(path.join(folder, "mlship.yaml"), content);
      const { config } = await loadConfig({ cwd: folder, env: {}, set: [] });
      expect(config.name).toMatch(/^[a-z]/);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
