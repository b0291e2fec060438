// Versions that say what changed, through the built binary: raised, refused, written, compared.
import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DiffDocument } from "../../src/commands/diff.ts";
import { openProject, type Project } from "./project.ts";

interface Uploaded {
  bump: { kind: string; version: string } | null;
  release: { version: string; lineage: null };
  created: boolean;
}

const yaml = `# the ward's model
name: tumour
version: "0.9.0" # raised by mlship
model: { path: model.json }
validate:
  data: data.csv
  gates: { accuracy: { min: 0.8 } }
`;
let project: Project;
const text = (file: string) => readFile(project.file(file), "utf8");

/** Writes model and rows with one input under another name. */
async function rename(from: string, to: string): Promise<void> {
  for (const file of ["model.json", "data.csv"])
    await writeFile(project.file(file), (await text(file)).replace(from, to));
}

beforeAll(async () => {
  project = await openProject();
  await project.take("xgboost-json-binary");
  await writeFile(project.file("mlship.yaml"), yaml);
});
afterAll(() => project.close());

test("the first release is what mlship.yaml names; the same again is nothing to release", async () => {
  const first = await project.json<Uploaded>(["upload", "--bump", "auto"]);
  expect(first).toMatchObject({ bump: { kind: "first" }, release: { version: "0.9.0" }, created: true });
  const again = await project.json<Uploaded>(["upload", "--bump", "auto"]);
  expect(again).toMatchObject({ bump: { kind: "same", version: "0.9.0" }, created: false });
  expect(await text("mlship.yaml")).toBe(yaml);
});

test("the same model may have another number, where a person names it", async () => {
  await writeFile(project.file("mlship.yaml"), yaml.replace("0.9.0", "1.0.0"));
  expect(await project.json<Uploaded>(["upload"])).toMatchObject({ bump: null, created: true });
});

test("an input under another name: refused as a minor version, a major one by --bump", async () => {
  await rename("worst_area", "largest_area");
  await writeFile(project.file("mlship.yaml"), yaml.replace("0.9.0", "1.1.0"));
  const refused = await project.mlship(["upload"], 2);
  expect(refused.told).toContain(
    "tumour 1.1.0 does not say by its number what it changes for callers of 1.0.0",
  );
  expect(refused.told).toContain('the input "worst_area" is gone');
  expect(refused.told).toContain("set version: 2.0.0");
  const raised = await project.json<Uploaded>(["upload", "--bump", "auto"]);
  expect(raised).toMatchObject({ bump: { kind: "raised", version: "2.0.0" }, created: true });
  expect(await text("mlship.yaml")).toBe(yaml.replace("0.9.0", "2.0.0"));
});

test("diff of both, and of the project as it stands", async () => {
  const document = await project.json<DiffDocument>(["diff", "1.0.0", "2.0.0"]);
  expect(document).toMatchObject({
    same: false,
    metrics: { comparable: false, why: ["they were measured on different data"] },
    signature: {
      needs: "major",
      changes: [
        { kind: "break", what: 'the input "worst_area" is gone' },
        { kind: "break", what: 'the input "largest_area" is new and must be given' },
      ],
    },
    model: { files: [{ path: "model.json" }] },
    environment: { changes: [] },
  });
  const here = await project.json<DiffDocument>(["diff", "2.0.0", "."]);
  expect(here).toMatchObject({ same: true, metrics: { comparable: true } });
  expect((await project.mlship(["diff", "2.0.0"])).told).toContain("2.0.0 → 2.0.0 (this folder)");
});
