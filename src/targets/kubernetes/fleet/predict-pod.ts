// Asks one pod for predictions, past router and Service: what GOLDEN compares with the report.
import { containerPort } from "../../../cluster/served.ts";
import { MlshipError } from "../../../errors.ts";
import { readAnswer } from "../../../validation/answer.ts";
import type { Columns, Predictions } from "../../../validation/ports.ts";
import type { Cluster } from "../ports.ts";

/** Rows per request: far below the server's bounds on rows and bytes. */
const rowsTogether = 200;
/** Milliseconds beyond a prediction's own time, for the way through the API server. */
const slack = 5_000;

/** Sends one body to `/predict` and gives what came back with status 200. */
type Ask = (body: string) => Promise<string>;

/**
 * Predictions for named columns, in the order of the rows. By the API server's proxy to pods; where
 * that does not get through (some managed control planes cannot reach their nodes) by port-forward.
 * @throws MlshipError `rollout.predict-failed`, exit 3; `kubernetes.tunnel`, exit 5.
 */
export async function predictInPod(
  { api, tunnels }: Pick<Cluster, "api" | "tunnels">,
  { pod, columns, timeoutMs }: { pod: string; columns: Columns; timeoutMs: number },
): Promise<Predictions> {
  const path = `pods/${encodeURIComponent(pod)}:${containerPort}/proxy/predict`;
  try {
    return await predictInParts(columns, (body) => api.text(path, { body, timeoutMs: timeoutMs + slack }));
  } catch (error) {
    // An answer that is none is the model's; any other error may be the way's.
    if (!(error instanceof MlshipError) || error.code === "rollout.predict-failed") throw error;
  }
  const tunnel = await tunnels.open(pod, containerPort);
  try {
    return await predictInParts(columns, (body) => post(tunnel.port, body, timeoutMs + slack));
  } finally {
    tunnel.close();
  }
}

async function predictInParts(columns: Columns, ask: Ask): Promise<Predictions> {
  const rows = Object.values(columns)[0]?.length ?? 0;
  const predictions: Predictions["predictions"] = [];
  const probabilities: number[][] = [];
  for (let from = 0; from < rows; from += rowsTogether) {
    const part = Object.fromEntries(
      Object.entries(columns).map(([name, values]) => [name, values.slice(from, from + rowsTogether)]),
    );
    const answer = readAnswer(await ask(JSON.stringify({ columns: part })));
    if (answer === null) throw failedPrediction("the server answered something else than predictions");
    predictions.push(...answer.predictions);
    probabilities.push(...(answer.probabilities ?? []));
  }
  return { predictions, probabilities: probabilities.length === 0 ? null : probabilities };
}

async function post(port: number, body: string, timeoutMs: number): Promise<string> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/predict`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status !== 200) throw failedPrediction(`the server answered ${response.status}`);
    return await response.text();
  } catch (cause) {
    if (cause instanceof MlshipError) throw cause;
    throw failedPrediction("the server broke the connection", cause);
  }
}

function failedPrediction(why: string, cause?: unknown): MlshipError {
  return new MlshipError({
    code: "rollout.predict-failed",
    what: "the new revision does not answer rows of the test data",
    why,
    fix: "look at the log of its pods, correct the model and deploy again",
    exit: "gate",
    cause,
  });
}
