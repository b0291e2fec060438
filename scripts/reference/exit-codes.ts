// docs/reference/exit-codes.md: what `mlship help exit-codes` prints, with what a script does about it.
import { exitCodes, type Exit } from "../../src/errors.ts";
import { topics } from "../../src/program/topics.ts";
import { page, table } from "./markdown.ts";

/** What a pipeline does on each; a new exit code needs a line here. */
const advice: Record<Exit, string> = {
  done: "go on",
  internal: "stop, and report it with what `--verbose` prints",
  usage: "stop: a person corrects the command line, mlship.yaml or a file that it names",
  gate: "stop: this model does not ship; the report or the verdict says why",
  inconclusive: "stop: more rows, more traffic or more time, then the same command",
  unavailable: "try again later, or provide what is missing",
  locked: "wait for the other command, then the same command",
  attention: "stop and call somebody: the error says what to look at",
  interrupted: "run the same command: it sets right what was left",
};

/** The page. */
export function exitCodesPage(): string {
  const about = new Map(
    (topics["exit-codes"]?.text ?? "").split("\n").map((line) => {
      const [, number = "", text = ""] = /^ *(\d+) {2}(.*)$/.exec(line) ?? [];
      return [number, text];
    }),
  );
  const rows = Object.entries(exitCodes).map(([name, number]) => {
    const text = about.get(String(number));
    if (!text) throw new Error(`mlship help exit-codes does not say what ${number} means`);
    return [String(number), `\`${name}\``, text, advice[name as Exit]];
  });
  return page(
    "# Exit codes",
    "The same for every verb. Which verb can end how: [cli.md](cli.md). With `--json` an error is a document `mlship.error/v1` on stdout whose `exit` is this number.",
    table(["exit", "name in documents", "meaning", "what a script does"], rows),
  );
}
