// Only a model that may ship is built into an image.
import { MlshipError } from "../../errors.ts";
import type { Judgement } from "../judge.ts";

/** @throws MlshipError `build.not-validated`, exit 3 or 4, for a verdict other than pass. */
export function requirePass({ report }: Pick<Judgement, "report">): void {
  if (report.verdict === "pass") return;
  const problems = report.gates
    .filter(({ status }) => status !== "pass" && status !== "skipped")
    .map(({ id, why }) => ({ what: `${id}: ${why}` }));
  throw new MlshipError({
    code: "build.not-validated",
    what:
      report.verdict === "fail"
        ? "the model did not pass validation, so no image is built of it"
        : "validation could not decide, so no image is built of the model",
    fix: "see mlship validate, then correct the model, its data or its gates",
    exit: report.verdict === "fail" ? "gate" : "inconclusive",
    problems,
  });
}
