// CatBoost in a real Python: models of every kind of column and loss answer as CatBoost itself does.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import {
  answering,
  columns,
  makeBench,
  nullable,
  numbers,
  patience,
  type Bench,
  type Said,
} from "./loaders/bench.ts";

const printed = z.object({
  expected: z.record(z.string(), z.array(z.union([z.number(), z.array(z.number())]))),
  columns: z.record(z.string(), z.array(z.union([z.number(), z.string(), z.boolean()]))),
});

let bench: Bench;
let made: z.infer<typeof printed>;

beforeAll(async () => {
  bench = await makeBench("catboost", "make_catboost.py");
  made = printed.parse(JSON.parse(bench.printed));
}, patience);

afterAll(() => bench.close());

/** The rows that the models were fitted on, without the columns that a model does not take. */
function rowsOf({ inputs }: Said) {
  return Object.fromEntries(inputs.map(({ name }) => [name, made.columns[name] ?? []]));
}

function expectClose(found: unknown[], wanted: unknown[]): void {
  expect(found).toHaveLength(wanted.length);
  for (const [at, value] of wanted.entries()) expect(found[at]).toBeCloseTo(Number(value), 12);
}

const binary = { task: "binary", classes: [0, 1] } satisfies Partial<Said>;
const mixed = [...columns("string", "word"), ...columns("float64", "a"), ...columns("bool", "flag")];
const remark = [...columns("float64", "a"), ...columns("string", "remark")];

describe("answers as CatBoost does", () => {
  test.each<[string, string, Said]>([
    [
      "categories that are texts, whole numbers and truth values, in another order",
      "categories",
      { ...binary, inputs: [...mixed, ...columns("int64", "code")] },
    ],
    ["free text", "texts", { ...binary, inputs: remark }],
    ["a target that is a chance", "chance", { ...binary, inputs: numbers }],
    ["counts", "poisson", { inputs: numbers }],
    ["features in another order than the columns", "turned", { inputs: numbers }],
    ["two targets", "two-targets", { inputs: numbers, outputs: 2 }],
  ])("%s", async (_what, name, said) => {
    const scorer = await bench.open(`${name}.cbm`, said);
    const { predictions, probabilities } = await scorer.score(rowsOf(said));
    expectClose((probabilities ?? predictions).flat(), (made.expected[name] ?? []).flat());
  });

  test("one class against all others, in shares that add up to one", async () => {
    const said: Said = { inputs: numbers, task: "multiclass", classes: ["x", "y", "z"] };
    const scorer = await bench.open("one-vs-all.cbm", said);
    const { probabilities, predictions } = await scorer.score(rowsOf(said));
    const wanted = z.array(z.array(z.number())).parse(made.expected["one-vs-all"]);
    const shares = wanted.map((row) => row.map((value) => value / row.reduce((sum, part) => sum + part, 0)));
    expectClose(probabilities?.flat() ?? [], shares.flat());
    expect(predictions).toEqual(shares.map((row) => said.classes?.[row.indexOf(Math.max(...row))]));
  });
});

test("a missing number is CatBoost's business, a missing category or text is told", async () => {
  const said: Said = { ...binary, inputs: nullable([...mixed, ...columns("int64", "code")]) };
  const scorer = await bench.open("categories.cbm", said);
  const row = { word: "bad", a: 2, flag: true, code: 1 };
  const ask = (change: Record<string, null>) =>
    scorer.score(
      Object.fromEntries(Object.entries({ ...row, ...change }).map(([name, value]) => [name, [value]])),
    );
  expect((await ask({ a: null })).probabilities?.flat()).toHaveLength(2);
  for (const name of ["word", "flag", "code"])
    await expect(ask({ [name]: null })).rejects.toMatchObject({
      code: "score.failed",
      why: expect.stringContaining(`takes no missing value in '${name}': fill it in a handler`),
    });
  const texts = await bench.open("texts.cbm", { ...binary, inputs: nullable(remark) });
  await expect(texts.score({ a: [1], remark: [null] })).rejects.toMatchObject({
    why: expect.stringContaining("takes no missing value in 'remark'"),
  });
});

describe("is not loaded", () => {
  test.each<[string, string, Said, string]>([
    ["a ranking", "ranking.cbm", { ...binary, inputs: numbers }, "the booster's objective is QueryRMSE"],
    ["texts for numbers", "turned.cbm", { inputs: columns("string", "a", "b") }, "hold text: b, a"],
    ["one column too few", "poisson.cbm", { inputs: columns("float64", "a") }, "takes 2 features"],
    [
      "more classes than it has",
      "one-vs-all.cbm",
      { inputs: numbers, task: "multiclass", classes: ["x", "y"] },
      "tells 3 classes apart and the bundle names 2",
    ],
  ])("%s", async (_what, model, said, why) => {
    await expect(bench.open(model, said)).rejects.toMatchObject({
      code: "model.load-failed",
      why: expect.stringContaining(why),
    });
  });
});

test.runIf(process.platform === "linux")("CatBoost starts no threads for an answer", async () => {
  const said = { inputs: numbers };
  const now = "len(os.listdir('/proc/self/task'))";
  // Counted when the handler is read, before any answer, and in an answer.
  const handler = `${answering("os", `10 * ${now} + COUNT`)}\nCOUNT = ${now}\n`;
  const scorer = await bench.open("poisson.cbm", { ...said, handler });
  const [first = 0] = (await scorer.score(rowsOf(said))).predictions;
  expect(Number(first) % 11).toBe(0);
});
