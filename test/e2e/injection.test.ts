// Names that would run, break out or steer a terminal if anything put them into a shell, a document or a screen raw.
import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixtures, openProject, type Ended, type Project } from "./project.ts";

const nasty = [
  "$(touch pwned)",
  "`touch pwned`",
  "'; touch pwned; '",
  '"; touch pwned; "',
  "a\nb: c",
  "\u202eknat\u202c",
  "\u001b[31mred\u001b]0;title\u0007",
];
/** Nothing of these may reach a terminal, except line breaks of mlship's own. */
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const raw = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`;

/** Files that a command in a name would have made. */
async function made(project: Project): Promise<string[]> {
  const names = await Promise.all(
    [project.folder, process.cwd(), project.file(".mlship")].map((folder) => readdir(folder)),
  );
  return names.flat().filter((name) => name.startsWith("pwned"));
}

/** Characters in the output that would steer a terminal. */
const steering = ({ stdout, stderr }: Ended): string[] => `${stdout}${stderr}`.match(raw) ?? [];

describe("files and columns with hostile names", () => {
  const target = "y'; touch pwned; $(touch pwned) \u202eknat";
  const model = "mo'del; touch pwned; $(touch pwned) é\u202e.onnx";
  const data = 'da"ta `touch pwned`.csv';
  let project: Project;

  beforeAll(async () => {
    project = await openProject();
    const folder = path.join(fixtures, "formats", "onnx-multiclass");
    await copyFile(path.join(folder, "model.onnx"), project.file(model));
    const [, ...lines] = (await readFile(path.join(folder, "data.csv"), "utf8")).trim().split("\n");
    // An ONNX model with one input matrix names no features: the columns may have any names.
    const heading = [nasty[0], nasty[2], nasty[5], nasty[4], target].map((name) => quoted(name ?? ""));
    await writeFile(project.file(data), `${heading.join(",")}\n${lines.join("\n")}\n`);
  });
  afterAll(() => project.close());

  test("init, validate, deploy, status and history treat them as text", async () => {
    for (const words of [
      ["init", "--target", target, "--name", "odd"],
      ["validate"],
      ["deploy"],
      ["status"],
      ["history"],
    ])
      expect(steering(await project.mlship(words))).toEqual([]);
    expect(await made(project)).toEqual([]);
  });

  test("users send them as they are", async () => {
    const row = Object.fromEntries([nasty[0], nasty[2], nasty[5], nasty[4]].map((name) => [name ?? "", 1.5]));
    const answer = await project.predict({ rows: [row] });
    expect(answer).toMatchObject({ status: 200, version: "1.0.0" });
    expect(await made(project)).toEqual([]);
  });

  test("errors that speak of them are quiet", async () => {
    for (const name of nasty) {
      const said = await Promise.all([
        project.mlship(["validate", "--set", `validate.target=${name}`], 2),
        project.mlship(["validate", "--set", `model.path=${name}`], 2),
        project.mlship(["status", "--set", `name=${name}`], 2),
        project.mlship(["rollback", "--to", name], 2),
        project.mlship([name], 2),
      ]);
      expect(said.flatMap(steering)).toEqual([]);
    }
    expect(await made(project)).toEqual([]);
  });

  test("what a server prints cannot steer the terminal that shows its log", async () => {
    await writeFile(
      project.file("handler.py"),
      `import os, sys\ndef postprocess(outputs, columns):\n    return outputs\nif sys.argv[1:2] == ["serve"]:\n    os.write(2, b"\\x1b[2J\\x1b]0;owned\\x07 out of luck \\xe2\\x80\\xae\\n")\n    os._exit(1)\n`,
    );
    const more = ["--set", "model.handler=handler.py", "--set", "version=2.0.0"];
    const ended = await project.mlship(["deploy", ...more], 3);
    expect(ended.told).toContain("out of luck");
    expect(steering(ended)).toEqual([]);
  });
});
