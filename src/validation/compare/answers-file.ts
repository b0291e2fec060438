// A model's answers as bytes: one line of JSON that says what follows, then the numbers as they lie in memory.
import { endianness } from "node:os";
import { z } from "zod";
import type { Probabilities } from "../metrics/answers.ts";
import type { Answered } from "./production.ts";

const label = z.union([z.string(), z.number(), z.boolean()]);
const headSchema = z.discriminatedUnion("task", [
  z.strictObject({
    task: z.enum(["binary", "multiclass"]),
    classes: z.array(label),
    rows: z.int().nonnegative(),
    /** Whether probabilities follow the predictions. */
    probable: z.boolean(),
  }),
  z.strictObject({ task: z.literal("regression"), outputs: z.int().positive(), rows: z.int().nonnegative() }),
]);

/** The answers in parts that follow each other in the file. */
export function writeAnswers(answered: Answered): Uint8Array[] {
  const { task, predicted } = answered;
  const head =
    task === "regression"
      ? { task, outputs: answered.outputs, rows: predicted.length / answered.outputs }
      : {
          task,
          classes: answered.classes,
          rows: predicted.length,
          probable: answered.probabilities !== null,
        };
  // The line ends at a multiple of 8 bytes, so that the numbers after it can be read where they lie.
  const text = `${endianness()} ${JSON.stringify(head)}`;
  const length = Buffer.byteLength(text) + 1;
  const line = Buffer.from(`${text}${" ".repeat((8 - (length % 8)) % 8)}\n`);
  const blocks =
    task === "regression" ? [predicted] : [doubles(answered.probabilities), Int32Array.from(predicted)];
  return [
    line,
    ...blocks.flatMap((block) =>
      block === null ? [] : [new Uint8Array(block.buffer, block.byteOffset, block.byteLength)],
    ),
  ];
}

/** The answers that bytes hold; null when they are not such answers, whole and of this machine. */
export function readAnswers(bytes: Uint8Array): Answered | null {
  const end = bytes.indexOf(10);
  const [, written, text = ""] =
    /^(\w\w) (.*)$/.exec(Buffer.from(bytes.subarray(0, end)).toString("utf8")) ?? [];
  if (end === -1 || written !== endianness()) return null;
  const head = headSchema.safeParse(parse(text));
  if (!head.success) return null;
  // A copy of its own: a Buffer may lie anywhere in a larger block of memory.
  const body = new Uint8Array(bytes.subarray(end + 1)).buffer;
  if (head.data.task === "regression") {
    const { task, outputs, rows } = head.data;
    if (body.byteLength !== rows * outputs * 8) return null;
    return { task, outputs, predicted: new Float64Array(body) };
  }
  const { task, classes, rows, probable } = head.data;
  const width = probable ? rows * classes.length : 0;
  if (body.byteLength !== width * 8 + rows * 4) return null;
  return {
    task,
    classes,
    probabilities: probable ? new Float64Array(body, 0, width) : null,
    predicted: new Int32Array(body, width * 8, rows),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not a head: the schema refuses it.
    return null;
  }
}

/** The file holds double precision and whole words, whatever a model's answers need. */
function doubles(probabilities: Probabilities | null): Float64Array | null {
  return probabilities instanceof Float32Array ? Float64Array.from(probabilities) : probabilities;
}
