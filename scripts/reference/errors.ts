// docs/reference/errors.md: every error code, found where src/ throws it, with its exit code and what to do.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { exitCodes, type Exit } from "../../src/errors.ts";
import { cell, page, table } from "./markdown.ts";
import { argumentsOf, bracketAround, literalsIn, memberOf } from "./source.ts";

interface Site {
  code: string;
  exits: string[];
  what: string[];
  fixes: string[];
  /** A finding in a report, which has a severity and no exit code. */
  isFinding: boolean;
}

const codeLiteral = /"([a-z]+(?:-[a-z]+)*(?:\.[a-z]+(?:-[a-z]+)*)+|internal|interrupted)"/g;

/** What the place where an error is thrown does not say in words of its own. */
const unsaid: Record<string, { what?: string; fix?: string }> = {
  "cluster.store": {
    fix: "set artifacts.store to s3://BUCKET/PREFIX and encrypt by artifacts.s3.encryption: kms, or set image.delivery to baked",
  },
  "config.invalid": { what: "the configuration in … has problems, listed with their places" },
  "data.unreadable": {
    fix: "save it as csv with a header line, parquet, or jsonl with one object per line, in UTF-8",
  },
  "git.failed": { fix: "correct what git says, which the error shows" },
  "gateway.internal": { fix: "read `.mlship/local/NAME-CHANNEL/gateway.log`, and report it" },
  internal: { what: "a fault in mlship" },
  interrupted: { fix: "run the same command again: it sets right what was left" },
  "model.compression": { what: "… is compressed in a way that mlship does not read" },
  "preflight.gitops": {
    fix: "add the ignore rule that the error shows to the tool's own configuration, so that it leaves alone what rollouts write",
  },
  "python.cache-full": { what: "an environment could not be made: its disk is full" },
  "python.hash-mismatch": {
    what: "an environment could not be made: a package is not the one that was locked",
  },
  "python.not-listed": { fix: "mend the interpreter that the error names, or set python.version to another" },
  "python.unsatisfiable": { what: "no set of versions satisfies the requirements" },
  "python.uv-failed": {
    what: "uv failed for another reason",
    fix: "read uv's own words, which the error shows",
  },
  "rollout.aborted": { fix: "nothing: a person asked for it" },
  "rollout.fault": { fix: "report it; `mlship status` says what serves" },
  "rollout.inconclusive": {
    fix: "send more traffic, allow more time or a larger first step, or move it on yourself with `mlship promote`",
  },
  "rollout.measure-timeout": {
    fix: "nothing: the driver reads again; when it lasts, the step ends as inconclusive",
  },
  "rollout.not-locked": { fix: "report it: it is a fault in mlship" },
  "rollout.not-promoted": { fix: "see `mlship status`, then run the command again" },
  "score.died": {
    fix: "read what Python printed, which the error shows; mind the memory that the model needs",
  },
  "score.timeout": {
    fix: "read what Python printed, which the error shows; make the model or its handler faster",
  },
  "score.…": { fix: "correct the model or its handler; the error shows what Python printed" },
  "store.bad-key": { fix: "report it: names are checked before they become keys" },
  "store.full": { what: "the store … is full, or over its quota" },
  "store.refused": {
    what: "the store … may not be written, is read-only, is no folder, or has no hard links",
  },
  "tool.killed": { fix: "run the command again; look for what ended the program, such as a lack of memory" },
  "tool.missing": { fix: "install the program that the error names and put it on PATH" },
};

/** Codes that are put together when they are thrown, as a pattern. */
const patterned = [
  {
    code: "score.…",
    exit: "usage",
    what: "the model could not predict these rows (… is failed, bad-output, non-finite-output or the server's code for a refused input)",
  },
] as const;

/** Every code with all of its sites drawn together, in order. */
export function errorCodes(): Site[] {
  const sites = new Map<string, Site>();
  for (const { code, exits, what, fixes, isFinding } of allSites()) {
    const before = sites.get(code);
    sites.set(code, {
      code,
      exits: unique([...(before?.exits ?? []), ...exits]),
      what: unique([...(before?.what ?? []), ...what]),
      fixes: unique([...(before?.fixes ?? []), ...fixes]),
      isFinding,
    });
  }
  for (const { code, exit, what } of patterned) {
    sites.set(code, { code, exits: [exit], what: [what], fixes: [], isFinding: false });
  }
  return [...sites.values()].toSorted((a, b) => (a.code < b.code ? -1 : 1));
}

/** The page. */
export function errorsPage(): string {
  const all = errorCodes();
  const errors = all.filter(({ isFinding }) => !isFinding);
  const prefixes = unique(errors.map(({ code }) => code.split(".")[0] ?? code));
  return page(
    "# Errors",
    "Every error says what failed, why, and what to do now. Its code is in `--json` (`mlship.error/v1`) and stays the same between versions. `…` stands for what the message fills in. Codes that the HTTP server answers with: [http.md](http.md).",
    ...prefixes.flatMap((prefix) => [
      `## ${prefix}`,
      table(
        ["code", "exit", "what failed", "what to do"],
        errors.filter(({ code }) => code === prefix || code.startsWith(`${prefix}.`)).map(rowOf),
      ),
    ]),
    "## Findings in a report",
    "Not errors: signs of a broken model in its answers, in `findings` of a report. One of severity `fail` makes the verdict fail whatever the gates say.",
    table(
      ["code", "what was found", "what to do"],
      all
        .filter(({ isFinding }) => isFinding)
        .map(({ code, what, fixes }) => [anchored(code), cell(what.join(" / ")), cell(fixes.join("; "))]),
    ),
  );
}

function rowOf({ code, exits, what, fixes }: Site): string[] {
  const numbers = exits.map((exit): number => exitCodes[exit as Exit]).toSorted((a, b) => a - b);
  const failed = unsaid[code]?.what ?? what.join(" / ");
  const action = unsaid[code]?.fix ?? fixes.join("; or: ");
  if (numbers.length === 0 || numbers.includes(Number.NaN) || failed === "" || action === "") {
    throw new Error(`scripts/reference/errors.ts cannot find what ${code} says: add it to \`unsaid\``);
  }
  return [anchored(code), numbers.join(", "), cell(failed), cell(action)];
}

function anchored(code: string): string {
  const anchor = code.replaceAll(/[^a-z]+/g, "-").replace(/-$/, "");
  return `<a id="${anchor}"></a>\`${code}\``;
}

function allSites(): Site[] {
  return readdirSync("src", { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .toSorted()
    .flatMap((file) => sitesIn(readFileSync(join("src", file), "utf8")));
}

function sitesIn(text: string): Site[] {
  return [...text.matchAll(codeLiteral)].flatMap(({ 1: code = "", index }) => {
    const around = bracketAround(text, index);
    const before = text.slice(0, index);
    // `code: "a"`, `code: b ? "a" : "c"`; not `code === "a"`.
    if (/\bcode: [^,;{}\n]*$/.test(before) && !/[=!]== $/.test(before))
      return [siteOf(code, around.text, before, text)];
    const call = /\b(reason|failed|add)\(\s*$/.exec(before)?.[1];
    return call === undefined ? [] : [siteOfCall(code, call, argumentsOf(around.text), before)];
  });
}

/** `{ code: "…", what: …, fix: …, exit: "…" }` */
function siteOf(code: string, object: string, before: string, text: string): Site {
  const read = (name: string) => literalsIn(memberOf(object, name) ?? "", before);
  const isFinding = memberOf(object, "severity") !== null;
  // A table of reasons says the exit once, where the error is made.
  const later = () => [/exit: "(\w+)"/.exec(text.slice(before.length))?.[1] ?? ""];
  const exits = memberOf(object, "exit") === null && !isFinding ? later() : read("exit");
  return { code, exits, what: read("what"), fixes: read("fix"), isFinding };
}

/** The three functions that are given a code first. */
function siteOfCall(code: string, call: string, given: string[], before: string): Site {
  const [, second = "", third = "", fourth = "", fifth = ""] = given;
  const read = (expression: string) => literalsIn(expression, before);
  if (call === "reason")
    return { code, exits: read(second), what: read(third), fixes: read(fifth), isFinding: false };
  if (call === "failed") return { code, exits: ["usage"], what: read(second), fixes: [], isFinding: false };
  const what = read(third).map((words) => `the probabilities of … rows ${words}`);
  return { code, exits: [], what, fixes: read(fourth), isFinding: true };
}

function unique(values: string[]): string[] {
  return [...new Set(values.filter((value) => value !== ""))];
}
