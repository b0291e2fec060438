// Bad input through the command line: one clear error, no value of a row in it, and nothing changed.
import { beforeEach, expect, test } from "vitest";
import { MlshipError } from "../../src/errors.ts";
import { global, pickle, proto } from "../unit/model/pickles.ts";
import { documentOf, type Machine } from "./fake-host.ts";
import { boosterText, configText, csv, features, rows, secretValue, write } from "./project.ts";
import { serving } from "./serving.ts";

let machine: Machine;

/** 1.0.0 serves, and a 1.1.0 that is well lies ready; each test then spoils it. */
beforeEach(async () => {
  machine = await serving();
});

/** A bad input, and what it must come to. */
interface Refused {
  name: string;
  files?: () => Record<string, string | Uint8Array>;
  noPython?: boolean;
  exit: number;
  code: string;
  /** Words that the message, its cause and its fix must hold. */
  says: (string | RegExp)[];
}

const withModel = (path: string) => configText("1.1.0").replace("model.json", path);

const osSystem = pickle(proto(2), global("os", "system"), "X\u0007\0\0\0echo hi", "\u0085R.");

const manyFaults = `name: Fraud Model
version: 1.1
modle: { path: model.json }
validate:
  data: [test_data.csv]
  gates:
    acuracy: { min: 0.8 }
    recall: { min: high }
serve: { prot: 9000, timeout: 5 }
`;

const refused: Refused[] = [
  {
    name: "a pickle that calls os.system",
    files: () => ({ "model.pkl": osSystem, "mlship.yaml": withModel("model.pkl") }),
    exit: 3,
    code: "model.unsafe",
    says: ["os.system", /byte 2/],
  },
  {
    name: "mlship.yaml with everything wrong at once: each with its place and what to do",
    files: () => ({ "mlship.yaml": manyFaults }),
    exit: 2,
    code: "config.invalid",
    says: [
      "mlship.yaml:1:7",
      "mlship.yaml:2:10",
      /mlship\.yaml:3:1.*did you mean model/,
      "mlship.yaml:5:9",
      /mlship\.yaml:7:5.*did you mean validate\.gates\.accuracy/,
      "mlship.yaml:8:20",
      /mlship\.yaml:9:10.*did you mean serve\.port/,
      "mlship.yaml:9:31",
    ],
  },
  {
    name: "no Python on the machine",
    noPython: true,
    exit: 5,
    code: "python.missing",
    says: ["install Python 3.10 or newer"],
  },
  {
    name: "the model's file is missing",
    files: () => ({ "mlship.yaml": withModel("modle.json") }),
    exit: 2,
    code: "model.missing",
    says: ["modle.json", "correct model.path"],
  },
  {
    name: "the data's file is missing",
    files: () => ({ "mlship.yaml": configText("1.1.0").replace("test_data", "tset_data") }),
    exit: 2,
    code: "data.missing",
    says: ["tset_data.csv", "validate.data"],
  },
  {
    name: "the model's file is empty",
    files: () => ({ "model.json": "" }),
    exit: 2,
    code: "model.empty",
    says: ["model.json is an empty file", "save the model again"],
  },
  {
    name: "the data's file is empty",
    files: () => ({ "test_data.csv": "" }),
    exit: 2,
    code: "data.empty",
    says: ["test_data.csv"],
  },
  {
    name: "an ONNX file that is cut short",
    files: () => {
      // The beginning of a ModelProto: its version, its producer, and a graph that claims more than follows.
      const start = Buffer.concat([
        Buffer.from("08081208736b6c326f6e6e783a9a05", "hex"),
        Buffer.alloc(20, 10),
      ]);
      return { "model.onnx": start, "mlship.yaml": withModel("model.onnx") };
    },
    exit: 2,
    code: "model.damaged",
    says: ["model.onnx"],
  },
  {
    name: "a zip that is named model.joblib",
    files: () => {
      const entry = Buffer.alloc(30);
      entry.write("PK\u0003\u0004", "latin1");
      const end = Buffer.alloc(22);
      end.write("PK\u0005\u0006", "latin1");
      return {
        "model.joblib": Buffer.concat([entry, end]),
        "mlship.yaml": withModel("model.joblib"),
      };
    },
    exit: 2,
    code: "model.unknown-format",
    says: ["model.joblib", /zip/i],
  },
  {
    name: "a CSV file without the target",
    files: () => ({
      "mlship.yaml": configText("1.1.0").replace("validate:", "validate:\n  target: tarjet"),
    }),
    exit: 2,
    code: "data.no-target",
    says: ["tarjet", "did you mean", "target"],
  },
  {
    name: "a CSV file with a row that has no target",
    files: () => ({ "test_data.csv": `${csv(features, rows(50))}0.424242,0.5,NaN\n` }),
    exit: 2,
    code: "data.null-target",
    says: ["target", "51"],
  },
  {
    name: "a CSV file with a row that has no target, left empty",
    files: () => ({ "test_data.csv": `${csv(features, rows(50))}0.424242,0.5,\n` }),
    exit: 2,
    code: "data.null-target",
    says: ["target", "51"],
  },
  {
    name: "a CSV file with one row",
    files: () => ({ "test_data.csv": "height,mass,target\n0.424242,1,1\n" }),
    exit: 2,
    code: "data.too-few-rows",
    says: ["test_data.csv has one row"],
  },
  {
    name: "a target of one class",
    files: () => {
      const one = rows(50).map(({ values }) => ({ values, label: 1 }));
      return { "test_data.csv": csv(features, one) };
    },
    exit: 2,
    code: "data.one-class",
    says: ["target"],
  },
  {
    name: "a CSV file whose rows differ in length",
    files: () => ({ "test_data.csv": `${csv(features, rows(50))}0.424242,1\n` }),
    exit: 2,
    code: "data.unreadable",
    says: ["test_data.csv"],
  },
  {
    name: "mlship.yaml with a tab",
    files: () => ({ "mlship.yaml": "name: fraud\nmodel:\n\tpath: model.json\n" }),
    exit: 2,
    code: "config.invalid",
    says: ["mlship.yaml:3:1", /tab/i],
  },
  {
    name: "mlship.yaml with a key twice",
    files: () => ({ "mlship.yaml": `${configText("1.1.0")}name: other\n` }),
    exit: 2,
    code: "config.invalid",
    says: ["mlship.yaml:11:1", "written twice", "keep one of them"],
  },
  {
    name: "mlship.yaml with anchors that would grow without end",
    files: () => {
      const bomb = ["a: &a [x, x, x, x, x, x, x, x, x, x]"];
      for (let letter = 98; letter < 107; letter += 1) {
        const [name, before] = [String.fromCharCode(letter), `*${String.fromCharCode(letter - 1)}`];
        bomb.push(`${name}: &${name} [${Array.from({ length: 10 }, () => before).join(", ")}]`);
      }
      return { "mlship.yaml": `${bomb.join("\n")}\n` };
    },
    exit: 2,
    code: "config.invalid",
    says: ["mlship.yaml:1:", /anchor|alias/i],
  },
];

test.each(refused)("$name", async ({ files, noPython, exit, code, says }) => {
  write(machine.folder, files?.() ?? {});
  machine.faults.isMissing = noPython ?? false;
  const before = machine.snapshot();
  expect(machine.world.stable).toMatchObject({ version: "1.0.0" });
  const told = await machine.run("deploy");
  expect({ exit: told.exit, stdout: told.stdout }).toEqual({ exit, stdout: "" });
  for (const words of says) expect(told.stderr.replaceAll(/\s+/g, " ")).toMatch(words);
  const asked = await machine.run("deploy", "--json");
  expect(asked.exit).toBe(exit);
  const fix = expect.stringMatching(/./) as string;
  expect(documentOf(asked)).toMatchObject({ schema: "mlship.error/v1", code, exit, fix });
  expect(told.stderr + asked.stdout + asked.stderr).not.toContain(secretValue);
  expect(machine.snapshot()).toEqual(before);
  expect(machine.world.broken).toEqual([]);
});

test("scan names what a pickle would call", async () => {
  write(machine.folder, { "model.pkl": osSystem });
  const scan = await machine.run("scan", "model.pkl");
  expect(scan.exit).toBe(3);
  expect(scan.stdout).toContain("REFUSED");
  expect(scan.stdout).toContain("os.system");
});

test("a CSV file with a byte order mark, Windows lines and line breaks in quotes works", async () => {
  const noted = rows(60, 2).map(
    ({ values, label }) => `${values.join(",")},"said ""no""\nand went",${label}`,
  );
  const text = `\uFEFF${[...features, '"a note\nin two lines"', "target"].join(",")}\r\n${noted.join("\r\n")}\r\n`;
  write(machine.folder, { "test_data.csv": text });
  const ran = await machine.run("deploy", "--json");
  expect(ran.exit).toBe(0);
  expect(documentOf(ran)).toMatchObject({ serving: "1.1.0", report: { dataset: { rows: 60 } } });
});

test("a CSV file with 10 000 columns works", { timeout: 120_000 }, async () => {
  const wide = Array.from({ length: 10_000 }, (_, column) => `f${column}`);
  const table = rows(20).map(({ values, label }) => ({
    values: wide.map((_, at) => values[at] ?? 0),
    label,
  }));
  const weights = [...wide.map((_, at) => (at < 2 ? 1 : 0)), 0];
  write(machine.folder, {
    "test_data.csv": csv(wide, table),
    "model.json": boosterText({ features: wide, weights }),
  });
  const ran = await machine.run("validate", "--json");
  expect(ran.exit).toBe(0);
  expect(documentOf(ran)).toMatchObject({ verdict: "pass", dataset: { rows: 20 } });
});

test("features named __proto__, constructor, or with quotes and line breaks work from file to traffic", async () => {
  const odd = ["__proto__", "constructor", 'height "in"\ncm', "a,b; DROP TABLE x"];
  write(machine.folder, {
    "test_data.csv": csv(odd, rows(60, 4)),
    "model.json": boosterText({ features: odd, weights: [1, 1, 1, 1, 0] }),
  });
  const ran = await machine.run("deploy", "--json", "--set", "version=2.0.0");
  expect(documentOf(ran)).toMatchObject({
    serving: "2.0.0",
    report: { verdict: "pass", model: { inputs: odd.map((name) => ({ name })) } },
    rollout: { outcome: "promoted", golden: { rows: 60, flips: 0, maxDelta: 0 } },
  });
  expect(ran.exit).toBe(0);
});

test("all problems of mlship.yaml as a person reads them", async () => {
  write(machine.folder, { "mlship.yaml": manyFaults });
  expect((await machine.run("deploy")).stderr).toMatchInlineSnapshot(`
    "error: the configuration in mlship.yaml has 8 problems
      - mlship.yaml:1:7  name must be a DNS label: lower-case letters, digits and
        hyphens, at most 63 of them, not the text "Fraud Model"
      - mlship.yaml:2:10  version must be a semantic version such as 1.4.0 or
        1.5.0-rc.1, not the number 1.1
      - mlship.yaml:3:1  modle is not a key of mlship.yaml
        did you mean model?
      - mlship.yaml:5:9  validate.data must be a text, not a list
      - mlship.yaml:7:5  validate.gates.acuracy is not a key of mlship.yaml
        did you mean validate.gates.accuracy?
      - mlship.yaml:8:20  validate.gates.recall.min must be a number, not the text
        "high"
      - mlship.yaml:9:10  serve.prot is not a key of mlship.yaml
        did you mean serve.port?
      - mlship.yaml:9:31  serve.timeout must be a duration such as 500ms, 2s or 10m,
        not the number 5
      fix: correct what is listed and run the command again
    "
  `);
});

test("a version that is released with other bytes", async () => {
  write(machine.folder, { "mlship.yaml": configText("1.0.0") });
  const before = machine.snapshot();
  const told = await machine.run("deploy");
  expect(told).toMatchObject({ exit: 2, stdout: "" });
  expect(told.stderr).toMatch(/1\.0\.0/);
  expect(documentOf(await machine.run("upload", "--json"))).toMatchObject({
    code: "version.exists",
    exit: 2,
  });
  const after = machine.snapshot();
  expect({ ...after.store, ...before.store }).toEqual(after.store);
  expect(after.target).toEqual(before.target);
  expect(Object.keys(after.store).filter((key) => key.includes("versions/"))).toEqual(
    Object.keys(before.store).filter((key) => key.includes("versions/")),
  );
});

test("a full disk in the store: exit 5, nothing started; the same command finishes when there is room", async () => {
  const { target, files } = machine.snapshot();
  const create = machine.store.create.bind(machine.store);
  let room = 3;
  machine.store.create = async (key, body) => {
    room -= 1;
    if (room >= 0) return await create(key, body);
    throw new MlshipError({
      code: "store.full",
      what: "the store is full",
      fix: "free some space, then run the same command again",
      exit: "unavailable",
    });
  };
  const full = await machine.run("deploy", "--json");
  expect(documentOf(full)).toMatchObject({ code: "store.full", exit: 5 });
  expect(full.exit).toBe(5);
  expect(machine.snapshot().target).toEqual(target);
  expect(Object.keys(machine.snapshot().files)).toEqual(expect.arrayContaining(Object.keys(files)));
  const status = await machine.run("status", "--json");
  expect(documentOf(status)).toMatchObject({
    stable: { version: "1.0.0" },
    expected: "1.0.0",
    rollout: null,
  });
  machine.store.create = create;
  const again = await machine.run("deploy", "--json");
  expect(again.exit).toBe(0);
  expect(documentOf(again)).toMatchObject({ serving: "1.1.0" });
});
