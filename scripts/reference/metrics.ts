// docs/reference/metrics.md: what /metrics of server and gateway hold, and how validation computes its metrics.
import { readFileSync } from "node:fs";
import { averages, qualityMetrics } from "../../src/config/gates.ts";
import { metricsText } from "../../src/targets/local/metrics-text.ts";
import type { Task } from "../../src/model/model.ts";
import { averagesOf, isLoss, metricsOf } from "../../src/validation/metrics/measure.ts";
import { calibrationBins } from "../../src/validation/metrics/probability.ts";
import { cell, code, page, table } from "./markdown.ts";

/** Formula and source of each metric, for people; the computation is in src/validation/metrics/. */
const formulas: Record<(typeof qualityMetrics)[number], [formula: string, source: string]> = {
  accuracy: ["correct rows / rows", "`accuracy_score`"],
  balancedAccuracy: ["mean recall over the classes that have rows", "`balanced_accuracy_score`"],
  precision: [
    "TP / (TP + FP); 0 when nothing is predicted",
    "`precision_score`, `zero_division` left as it is",
  ],
  recall: ["TP / (TP + FN); 0 when the class has no rows", "`recall_score`, `zero_division` left as it is"],
  f1: ["2 TP / (2 TP + FP + FN)", "`f1_score`"],
  rocAuc: [
    "area under the ROC curve by trapezoids, ties count half; several classes: each against the rest",
    '`roc_auc_score`, `multi_class="ovr"`',
  ],
  averagePrecision: [
    "sum over falling thresholds of precision × gain in recall; several classes: each against the rest",
    "`average_precision_score`",
  ],
  logLoss: ["mean of −ln p(true class), p clipped to [ε, 1 − ε], ε = 2⁻⁵²", "`log_loss`"],
  brier: [
    "binary: mean of (p(positive) − truth)², 0 to 1; several classes: mean squared distance, 0 to 2",
    '`brier_score_loss`, `scale_by_half="auto"`',
  ],
  ece: [
    `mean of |frequency − probability| over ${calibrationBins} bins of equal width, weighted by rows; binary: of the positive class, several classes: of the most probable one`,
    "Guo et al., “On Calibration of Modern Neural Networks”, 2017",
  ],
  mcc: [
    "Matthews' coefficient, Gorodkin's form for several classes; 0 when either side is constant",
    "`matthews_corrcoef`",
  ],
  mae: ["mean of |y − ŷ|", "`mean_absolute_error`"],
  rmse: ["√ of the mean of (y − ŷ)²", "`root_mean_squared_error`"],
  mape: ["mean of |y − ŷ| / max(|y|, ε): a share, not per cent", "`mean_absolute_percentage_error`"],
  r2: ["1 − Σ(y − ŷ)² / Σ(y − ȳ)²; for a constant target 1 when exact, else 0", "`r2_score`, `force_finite`"],
  medianAbsoluteError: ["weighted median of |y − ŷ|", "`median_absolute_error`"],
  pinball: ["mean of |y − ŷ| / 2, the pinball loss of the median", "`mean_pinball_loss`, `alpha=0.5`"],
};

/** The page. */
export function metricsPage(): string {
  const tasks: Task[] = ["binary", "multiclass", "regression"];
  const rows = qualityMetrics.map((name) => {
    const [formula, from] = formulas[name];
    const of = tasks.filter((task) => metricsOf(task).includes(name));
    const own = averages.filter((average) => of.some((task) => averagesOf(task, name).includes(average)));
    return [
      code(name),
      of.join(", "),
      isLoss(name) ? "lower" : "higher",
      cell(formula),
      from,
      own.map(code).join(" "),
    ];
  });
  return page(
    "# Metrics",
    "## Of a model, in validation",
    "Computed in TypeScript (`src/validation/metrics/`) from the answers of the model, in 64-bit floating point, with the weights of `validate.weight` where they are set. Every value was compared with scikit-learn's on committed tables (`test/unit/validation/reference/`); where a source names a function, it is scikit-learn's. A metric that has no value is `null` with a reason, and its gate is an error, never a pass.",
    table(["metric", "task", "better", "formula", "source", "averages"], rows),
    "Binary: of the positive class (`validate.positive`, else the second class). Macro and weighted averages go over the classes that occur among the true or the predicted labels.",
    "Budgets: `loadTime` (seconds until the model has loaded and answered a made-up row), `rss` (resident bytes of the Python process after that), `modelSize` (bytes of the model's files).",
    "## Of a server: GET /metrics of each Python server",
    "Prometheus text format 0.0.4. Counts of all workers together. Routes that are not listed below count as `other`.",
    table(["name", "type", "labels", "what it counts"], serverFamilies()),
    "Histogram bounds: durations " +
      tuple("SECONDS") +
      " s; rows " +
      tuple("ROWS") +
      ". Reasons of `mlship_rejected_total`: " +
      tuple("REASONS") +
      ".",
    "## Of the gateway: GET /metrics of the users' port",
    "What the canary's evidence is made of. Only POST requests are counted. `side` is `stable` or `canary`, `version` the version that takes it now. The counters begin at 0 when the sides change hands: at every promotion and when a canary starts or goes.",
    table(["name", "type", "labels", "what it counts"], gatewayFamilies()),
  );
}

/** Families of the Python server, read from where it declares them. */
function serverFamilies(): string[][] {
  const text = source();
  const families = [
    ...text.matchAll(
      /core\.(Gauge|Counter)MetricFamily\(\s*"(\w+)", "([^"]+)"(?:[^()]*labels=\(([^)]*)\))?/g,
    ),
  ].map(([, type = "", name = "", about = "", labels = ""]) => [
    code(type === "Counter" ? `${name}_total` : name),
    type.toLowerCase(),
    [...labels.matchAll(/"(\w+)"/g)].map(([, label]) => code(label ?? "")).join(" "),
    about,
  ]);
  const histograms = [...text.matchAll(/self\._histogram\("(\w+)", "([^"]+)"/g)].map(
    ([, name = "", about = ""]) => [code(`mlship_${name}`), "histogram", "", about],
  );
  if (families.length === 0 || histograms.length === 0) throw new Error("metrics.py has no families");
  return [...families, ...histograms].map((row) => row.map((part, at) => (at === 3 ? cell(part) : part)));
}

function tuple(name: string): string {
  const [, values] = new RegExp(`^${name} = \\(([^)]*)\\)`, "m").exec(source()) ?? [];
  if (values === undefined) throw new Error(`metrics.py has no ${name}`);
  return values.replaceAll('"', "`");
}

function source(): string {
  return readFileSync("templates/server/mlship_server/metrics.py", "utf8");
}

/** Families of the gateway, from the text that it serves. */
function gatewayFamilies(): string[][] {
  const none = { requests: 0, errors: 0 };
  const ready = { stable: 0, canary: 0 };
  const text = metricsText(
    { at: 0, era: "", share: 0, stable: none, canary: none, rescued: 0, failed: 0, ready },
    {
      name: "",
      channel: "",
      pid: 0,
      port: 0,
      epoch: 0,
      stable: null,
      canary: null,
      previous: null,
      share: 0,
      crews: [],
      notes: [],
    },
  );
  return [...text.matchAll(/# HELP (\w+) (.*)\n# TYPE \w+ (\w+)\n\w+(\{[^}]*\})?/g)].map(
    ([, name = "", about = "", type = "", labels = ""]) => [
      code(name),
      type,
      [...labels.matchAll(/(\w+)=/g)].map(([, label]) => code(label ?? "")).join(" "),
      cell(about),
    ],
  );
}
