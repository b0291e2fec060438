// `mlship validate` as a required check: what a CI system and the parsers of its files see of a refused model.
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Report } from "../../src/validation/report.ts";
import { openCancer, type Ended, type Project } from "./project.ts";

const run = promisify(execFile);

/** A name as nobody should write one: a workflow command, an end of a table, markup, a mention, an emoji. */
const odd = "::error::50%,x | </td><script>alert(1)</script> @team 🙂";

const mlshipYaml = `name: tumour
version: 1.0.0
model:
  path: model.joblib
validate:
  data: test_data.csv
  gates:
    accuracy: { min: 0.9 }
    recall:
      min: 0.97
    rocAuc: { min: 0.96 }
  slices:
    - where: worst_texture > 30
      name: ${JSON.stringify(odd)}
      gates: { recall: { min: 0.999 } }
    - worst_texture > 1000
  fairness:
    - { column: band, metric: precision, maxGap: 0.9 }
    - { column: band, metric: recall, maxGap: 0.01 }
`;

let project: Project;

beforeEach(async () => {
  project = await openCancer();
  const [heading = "", ...rows] = (await readFile(project.file("test_data.csv"), "utf8")).trim().split("\n");
  const banded = rows.map((row, at) => `${row},${["low", "high"][at % 2]}`);
  await writeFile(project.file("test_data.csv"), `${[`${heading},band`, ...banded].join("\n")}\n`);
  await writeFile(project.file("mlship.yaml"), mlshipYaml);
});

afterEach(async () => {
  await project.close();
});

/** As a step of GitHub Actions runs it, in a folder of the repository. */
function inActions(words: string[]): Promise<Ended> {
  return project.run(words, {
    CI: "true",
    GITHUB_ACTIONS: "true",
    GITHUB_WORKSPACE: path.dirname(project.folder),
    GITHUB_STEP_SUMMARY: project.file("summary.md"),
  });
}

const read = (name: string) => readFile(project.file(name), "utf8");
const lineOf = (text: string) =>
  1 + mlshipYaml.split("\n").findIndex((line) => line.trimStart().startsWith(text));

/** A workflow command as the runner reads it. */
function parseCommands(stderr: string) {
  return stderr.split("\n").flatMap((line) => {
    const [, level, properties = "", text = ""] = /^::(error|warning) (.*?)::(.*)$/.exec(line) ?? [];
    if (level === undefined) return [];
    const decode = (value: string) => decodeURIComponent(value);
    const pairs = properties.split(",").map((pair) => pair.split("="));
    const named = Object.fromEntries(pairs.map(([key = "", value = ""]) => [key, decode(value)]));
    return [{ level, text: decode(text), ...(named as { file?: string; line?: string; title?: string }) }];
  });
}

test("a refused model ends the step, and its reasons stand on the lines of mlship.yaml", async () => {
  const files = ["--junit", "out/r.xml", "--markdown", "out/r.md", "--sarif", "out/r.sarif"];
  const ended = await inActions(["validate", "-q", "--json", ...files]);
  expect(ended.code).toBe(3);
  const report = JSON.parse(ended.stdout) as Report;
  expect(report.verdict).toBe("fail");

  const commands = parseCommands(ended.stderr);
  // Nothing that a name holds begins a command of its own.
  expect(ended.stderr.split("\n").filter((line) => line.startsWith("::"))).toHaveLength(commands.length);
  const file = `${path.basename(project.folder)}/mlship.yaml`;
  const on = (gate: string, level: string, text: string) =>
    expect(commands.find(({ title }) => title === `mlship: ${gate}`)).toMatchObject({
      level,
      file,
      line: String(lineOf(text)),
    });
  on("recall.min", "error", "min: 0.97");
  on("accuracy.min", "warning", "accuracy:");
  on(`recall.min[${odd}]`, "error", "- where: worst_texture > 30");
  on("accuracy.min[worst_texture > 1000]", "warning", "- worst_texture > 1000");
  on("fairness.recall[band]", "warning", "- { column: band, metric: recall");
  // The worst first: GitHub shows only so many.
  expect(commands[0]).toMatchObject({ level: "error" });
  expect(commands.length).toBeLessThanOrEqual(10);

  const markdown = await read("out/r.md");
  expect(markdown.startsWith("<!-- mlship:report -->\n")).toBe(true);
  expect(markdown).toContain(report.digest);
  expect(markdown).not.toContain("<script>");
  expect(await read("summary.md")).toBe(markdown);

  const sarif = JSON.parse(await read("out/r.sarif")) as { version: string; runs: { results: unknown[] }[] };
  expect([sarif.version, sarif.runs.map(({ results }) => results.length)]).toEqual(["2.1.0", [0]]);
});

test("the JUnit file is XML to expat, with a case per gate that fails where the gate does", async () => {
  const report = JSON.parse((await inActions(["validate", "--json", "--junit", "r.xml"])).stdout) as Report;
  const parse = `import json, sys, xml.etree.ElementTree as E
root = E.parse(sys.argv[1]).getroot()
cases = [[c.get("name"), [(e.tag, e.get("type")) for e in c if e.tag != "system-out"]] for c in root.iter("testcase")]
json.dump({"root": root.attrib, "cases": cases}, sys.stdout)`;
  const { stdout } = await run("python3", ["-c", parse, project.file("r.xml")]);
  const { root, cases } = JSON.parse(stdout) as { root: { [key: string]: string }; cases: unknown[] };
  expect(cases).toEqual(
    [...report.gates, ...report.findings.map(({ code }) => ({ id: code, status: "pass" }))].map(
      ({ id, status }) => [id, status === "pass" ? [] : [["failure", status]]],
    ),
  );
  const failures = report.gates.filter(({ status }) => status !== "pass").length;
  expect(root).toMatchObject({ tests: String(cases.length), failures: String(failures), errors: "0" });
});

test("an unsafe model is refused with 3, and its findings are there for code scanning", async () => {
  // The opcodes name posix.system; nothing is loaded to find that out.
  await writeFile(
    project.file("model.joblib"),
    Buffer.from("\x80\x04cposix\nsystem\n(X\x02\x00\x00\x00hitR.", "latin1"),
  );
  const ended = await inActions(["validate", "--sarif", "r.sarif", "-o", "r.json"]);
  expect(ended.code).toBe(3);
  expect(ended.told).toContain("posix.system");
  const { runs } = JSON.parse(await read("r.sarif")) as { runs: Run[] };
  const [{ tool, results } = fallback] = runs;
  expect(tool.driver).toMatchObject({ name: "mlship", version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  expect(results.length).toBeGreaterThan(0);
  for (const { ruleId, ruleIndex, level, message, locations } of results) {
    expect(tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
    expect([level, message.text]).toEqual(["error", expect.stringMatching(/\w/)]);
    const [{ physicalLocation } = { physicalLocation: null }] = locations;
    expect(physicalLocation).toMatchObject({
      artifactLocation: { uri: `${path.basename(project.folder)}/model.joblib` },
      region: { startLine: 1 },
    });
  }
  await expect(read("r.json")).rejects.toThrow("ENOENT");
});

/** What SARIF 2.1.0 requires of a run, as far as mlship writes it. */
interface Run {
  tool: { driver: { name: string; version: string; rules: { id: string }[] } };
  results: {
    ruleId: string;
    ruleIndex: number;
    level: string;
    message: { text: string };
    locations: { physicalLocation: object }[];
  }[];
}
const fallback: Run = { tool: { driver: { name: "", version: "", rules: [] } }, results: [] };
