// What a router's runtime API tells at one instant: when it began, its share, and its counters as HAProxy has them.
import { MlshipError } from "../../../../errors.ts";

/** Counters of one server, or of a whole backend (`server` is then `BACKEND`). */
export interface Row {
  backend: string;
  server: string;
  /** Attempts that began, and those of them that are under way. */
  began: number;
  underWay: number;
  /** Answers by the first digit of their status; `other` has none. */
  answers: {
    informational: number;
    good: number;
    moved: number;
    refused: number;
    failed: number;
    other: number;
  };
  /** Answers that broke off on the way, and attempts that the client gave up. */
  broken: number;
  left: number;
}

/** One look at a router. */
export interface Reading {
  /** Changes when HAProxy starts again: its counters and its share are then 0. */
  began: string;
  /** Share of the canary in millionths, and the epoch of the lock that it was set under. */
  share: number;
  epoch: number;
  rows: Row[];
}

/**
 * Reads the answer to `show info`, `show map FILE` and `show stat`, sent together.
 * @throws MlshipError `router.answer`, exit 5, when it is something else.
 */
export function readReading(text: string): Reading {
  const began = /^Start_time_sec: (\d+)$/m.exec(text)?.[1];
  const process = /^Pid: (\d+)$/m.exec(text)?.[1];
  const share = mapEntry(text, "canary");
  const rows = readRows(text);
  if (began === undefined || process === undefined || share === null || rows.length === 0) {
    throw new MlshipError({
      code: "router.answer",
      what: "a router answered something else than its counters",
      why: "its configuration is not the one that this mlship writes",
      fix: "run the command again: `mlship deploy` puts the router right first",
      exit: "unavailable",
    });
  }
  return { began: `${began}.${process}`, share, epoch: mapEntry(text, "epoch") ?? 0, rows };
}

/** One entry of the map: `0x5600 canary 50000`. */
function mapEntry(text: string, key: string): number | null {
  const found = new RegExp(`^0x[0-9a-f]+ ${key} (\\d{1,15})$`, "m").exec(text)?.[1];
  return found === undefined ? null : Number(found);
}

/** The table of `show stat`: comma-separated, headed by `# pxname,svname,…`, ended by an empty line. */
function readRows(text: string): Row[] {
  const lines = text.split("\n");
  const first = lines.findIndex((line) => line.startsWith("# pxname,"));
  if (first < 0) return [];
  const columns = (lines[first] ?? "").slice(2).split(",");
  const end = lines.indexOf("", first);
  return lines.slice(first + 1, end < 0 ? undefined : end).map((line) => {
    const cells = line.split(",");
    const cell = (column: string) => cells[columns.indexOf(column)] ?? "";
    const count = (column: string) => Number(cell(column));
    return {
      backend: cell("pxname"),
      server: cell("svname"),
      began: count("stot"),
      underWay: count("scur"),
      answers: {
        informational: count("hrsp_1xx"),
        good: count("hrsp_2xx"),
        moved: count("hrsp_3xx"),
        refused: count("hrsp_4xx"),
        failed: count("hrsp_5xx"),
        other: count("hrsp_other"),
      },
      broken: count("srv_abrt"),
      left: count("cli_abrt"),
    };
  });
}
