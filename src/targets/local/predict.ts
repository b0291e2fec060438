// Asks one server directly for predictions, past the gateway: what GOLDEN compares with the report.
import { MlshipError } from "../../errors.ts";
import { readAnswer } from "../../validation/answer.ts";
import type { Columns, Predictions } from "../../validation/ports.ts";
import { errorText } from "./durable.ts";

/** Rows per request: far below the server's bounds on rows and bytes. */
const rowsTogether = 200;
/** Milliseconds beyond a prediction's own time. */
const slack = 1_000;

/**
 * Predictions for named columns, in the order of the rows.
 * @throws MlshipError `rollout.predict-failed`, exit 3, when the server refuses or fails.
 */
export async function predictDirectly(
  port: number,
  columns: Columns,
  timeoutMs: number,
): Promise<Predictions> {
  const rows = Object.values(columns)[0]?.length ?? 0;
  const predictions: Predictions["predictions"] = [];
  const probabilities: number[][] = [];
  for (let from = 0; from < rows; from += rowsTogether) {
    const part = Object.fromEntries(
      Object.entries(columns).map(([name, values]) => [name, values.slice(from, from + rowsTogether)]),
    );
    const answer = await askFor(port, part, timeoutMs);
    predictions.push(...answer.predictions);
    probabilities.push(...(answer.probabilities ?? []));
  }
  return { predictions, probabilities: probabilities.length === 0 ? null : probabilities };
}

async function askFor(port: number, columns: Columns, timeoutMs: number): Promise<Predictions> {
  let status: number;
  let text: string;
  try {
    const response = await fetch(`http://127.0.0.1:${port}/predict`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ columns }),
      signal: AbortSignal.timeout(timeoutMs + slack),
    });
    status = response.status;
    text = await response.text();
  } catch (cause) {
    throw failedPrediction(`the server broke the connection: ${errorText(cause)}`, cause);
  }
  if (status !== 200) throw failedPrediction(`the server answered ${status}`);
  const answer = readAnswer(text);
  if (answer === null) throw failedPrediction("the server answered something else than predictions");
  return answer;
}

function failedPrediction(why: string, cause?: unknown): MlshipError {
  return new MlshipError({
    code: "rollout.predict-failed",
    what: "the new revision does not answer rows of the test data",
    why,
    fix: "look at its log below .mlship/local, correct the model and deploy again",
    exit: "gate",
    cause,
  });
}
