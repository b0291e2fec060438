// LightGBM models in its own text format. They hold numbers and names only, so there is nothing to judge.
import { Unreadable } from "../unreadable.ts";
import type { Label, Task } from "../model.ts";
import type { Facts, Reading } from "../reading.ts";
import type { Input } from "./input.ts";

/** Bytes; 100 000 features with their ranges stay below it. */
const longestHeader = 16 * 2 ** 20;

const regressions = new Set(
  "regression regression_l1 huber fair poisson quantile mape gamma tweedie cross_entropy cross_entropy_lambda".split(
    " ",
  ),
);

/** Reads a saved booster. @throws Unreadable when it is damaged or no booster. */
export function readLightgbm({ source }: Input): Reading {
  const text = source.read(0, Math.min(source.size, longestHeader)).toString("latin1");
  const trees = text.indexOf("\nTree=0");
  const end = trees < 0 ? text.indexOf("\nend of trees") : trees;
  if (end < 0) throw new Unreadable(text.length, "it has no trees: it is cut short");
  const header = readHeader(text.slice(0, end));
  const bytes = (header.get("tree_sizes") ?? "").split(" ").reduce((sum, size) => sum + whole(size), 0);
  const marker = "end of trees";
  const after = trees < 0 ? end + 1 : trees + 1 + bytes;
  if (
    after + marker.length > source.size ||
    source.read(after, marker.length).toString("latin1") !== marker
  ) {
    throw new Unreadable(
      source.size,
      "its trees do not end where they should: it is cut short or was edited",
    );
  }
  const width = whole(header.get("max_feature_idx") ?? "") + 1;
  const names = (header.get("feature_names") ?? "").split(" ").filter((name) => name !== "");
  if (names.length !== width) throw new Unreadable(0, "it names more or fewer features than it has");
  const invented = names.every((name, index) => name === `Column_${index}`);
  return {
    facts: {
      estimator: "lightgbm.Booster",
      libraries: { lightgbm: null },
      featureNames: invented ? null : names,
      featureCount: width,
      ...outcome(header.get("objective") ?? "", whole(header.get("num_class") ?? "1")),
    },
    findings: [],
    globals: new Map(),
  };
}

function readHeader(text: string): Map<string, string> {
  const header = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const at = line.indexOf("=");
    // Names may hold any character but white space; bytes become text only here.
    if (at > 0) header.set(line.slice(0, at), Buffer.from(line.slice(at + 1), "latin1").toString("utf8"));
  }
  return header;
}

function whole(text: string): number {
  if (text === "") return 0;
  if (!/^\d{1,12}$/.test(text)) throw new Unreadable(0, "a number in its header is none");
  return Number(text);
}

/** LightGBM numbers its classes from 0. */
function outcome(objective: string, classCount: number): Pick<Facts, "classes" | "task"> {
  const [name = ""] = objective.split(" ");
  if (name === "binary") return { classes: [0, 1], task: "binary" };
  if (name.startsWith("multiclass") && classCount >= 2 && classCount < 100_000) {
    return { classes: Array.from({ length: classCount }, (_, label): Label => label), task: "multiclass" };
  }
  const regression: Task | null = regressions.has(name) ? "regression" : null;
  return { classes: null, task: regression };
}
