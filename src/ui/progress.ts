// What goes on, on stderr: one live line on a terminal, one line per step elsewhere.
import cut from "cli-truncate";
import ora from "ora";
import type { Progress, Step } from "../commands/host.ts";
import type { Sink } from "../shell.ts";
import type { RolloutView } from "../commands/rollout-view.ts";
import { rolloutChange, rolloutLines, rolloutWords } from "./live-rollout.ts";
import type { Style } from "./style.ts";
import { wrap } from "./table.ts";
import { visible } from "./visible.ts";

/** A live spinner line for the open step; ended steps stay as lines above it. */
export function terminalProgress(stream: NodeJS.WriteStream, style: Style, columns: () => number): Progress {
  let spinner: ReturnType<typeof ora> | undefined;
  return {
    step(title): Step {
      spinner?.stop();
      const live = ora({ text: title, stream, discardStdin: false, hideCursor: true }).start();
      spinner = live;
      const end = (mark: string, result: string | undefined) => {
        live.stop();
        stream.write(
          visible(
            `${mark} ${wrap(`${title}${result ? style("dim", `  ${result}`) : ""}`, columns(), "  ")}\n`,
            style,
          ),
        );
      };
      return {
        update: (detail) => {
          live.text = `${title}  ${style("dim", cut(visible(detail), Math.max(0, columns() - title.length - 6)))}`;
        },
        show: (view) => {
          // One column stays free: a line that fills the last one would be counted as two.
          const lines = rolloutLines(view, columns() - 1, style);
          const shown = lines.map((line) => `\n${cut(visible(line, style), columns() - 1)}`);
          live.text = `${title}${shown.join("")}`;
        },
        done: (result) => end(style("green", "✔"), result),
        fail: (result) => end(style("red", "✖"), result),
      };
    },
    note(text) {
      const open = spinner?.isSpinning ?? false;
      if (open) spinner?.stop();
      stream.write(visible(`  ${wrap(text, columns(), "  ")}\n`, style));
      if (open) spinner?.start();
    },
  };
}

/** How long a step may be silent off a terminal before its last detail is printed, in ms. */
const silence = 30_000;

/** A line when a step begins and one when it ends; long steps say now and then that they live. */
export function lineProgress(sink: Sink): Progress {
  return {
    step(title): Step {
      sink.write(visible(`- ${title} ...\n`));
      let last = "";
      let shown: RolloutView | null = null;
      const heartbeat = setInterval(
        () => sink.write(visible(`  ${title}: ${last || "still running"}\n`)),
        silence,
      );
      heartbeat.unref();
      const end = (mark: string, result: string | undefined) => {
        clearInterval(heartbeat);
        sink.write(visible(`${mark} ${title}${result ? `: ${result}` : ""}\n`));
      };
      return {
        update: (detail) => {
          last = detail;
        },
        show: (view) => {
          const change = rolloutChange(shown, view);
          if (change !== null) sink.write(visible(`  ${title}: ${change}\n`));
          [shown, last] = [view, rolloutWords(view)];
        },
        done: (result) => end("✔", result),
        fail: (result) => end("✖", result),
      };
    },
    note: (text) => sink.write(visible(`  ${text}\n`)),
  };
}

/** Says nothing: for `--quiet`. */
export const silentProgress: Progress = {
  step: () => ({ update: () => {}, show: () => {}, done: () => {}, fail: () => {} }),
  note: () => {},
};
