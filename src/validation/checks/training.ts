// The rows that a model was trained on, as the table `train` beside the rows that judge it.
import type { DuckDBConnection } from "@duckdb/node-api";
import { basename } from "node:path";
import { suggest } from "../../config/suggest.ts";
import type { Digest } from "../../digest.ts";
import { MlshipError, type Problem } from "../../errors.ts";
import { loadTable } from "../source.ts";
import type { SourceColumn } from "../stored.ts";

/** Open training data: the table `train`, whose columns are `c0`, `c1` … in the order of the file. */
export interface Training {
  /** The path that it was opened with. */
  file: string;
  /** Digest of the file's bytes. */
  digest: Digest;
  rows: number;
  columns: readonly SourceColumn[];
}

/**
 * Reads a csv, parquet or jsonl file into the table `train`. Must come before the table `rows` is made,
 * whose name it borrows, and before the database is closed to files.
 * @throws MlshipError `data.*`, exit 2.
 */
export async function loadTraining(connection: DuckDBConnection, file: string): Promise<Training> {
  const { columns, digest } = await loadTable(connection, file).catch((error: unknown) => {
    throw error instanceof MlshipError ? asTraining(error) : error;
  });
  await connection.run("alter table rows rename to train");
  const counted = await connection.runAndReadAll("select count(*) from train");
  const rows = Number(counted.getRows()[0]?.[0] ?? 0);
  if (rows > 0) return { file, digest, rows, columns };
  throw new MlshipError({
    code: "data.too-few-rows",
    what: `${basename(file)}, the training data, has no rows`,
    fix: "name the file that the model was trained on, or remove validate.train",
    exit: "usage",
    at: { file },
  });
}

/** The same error about the other key of mlship.yaml. */
function asTraining({ code, what, why, fix, exit, at, problems, cause }: MlshipError): MlshipError {
  return new MlshipError({
    code,
    what,
    ...(why === undefined ? {} : { why }),
    ...(fix === undefined ? {} : { fix: fix.replace("validate.data", "validate.train") }),
    exit,
    ...(at === undefined ? {} : { at }),
    problems,
    cause,
  });
}

/**
 * The training data's columns of these names, in their order.
 * @throws MlshipError `data.train-columns`, exit 2, with every name that is missing and what comes near it.
 */
export function findTrainingColumns({ file, columns }: Training, names: readonly string[]): SourceColumn[] {
  const byName = new Map(columns.map((column) => [column.name, column]));
  const problems: Problem[] = names.flatMap((name) => {
    const found = byName.get(name);
    if (found && found.type !== null) return [];
    const shown = JSON.stringify(name);
    if (found) return [{ what: `column ${shown} holds ${found.stored}, which no model can be given` }];
    const near = suggest(name, [...byName.keys()]);
    return [
      {
        what: `there is no column ${shown}`,
        ...(near ? { fix: `did you mean ${JSON.stringify(near)}?` } : {}),
      },
    ];
  });
  const [first] = problems;
  if (!first) return names.flatMap((name) => byName.get(name) ?? []);
  throw new MlshipError({
    code: "data.train-columns",
    what: `${basename(file)}, the training data, does not hold what the model takes: ${first.what}${problems.length > 1 ? `, and ${problems.length - 1} more` : ""}`,
    why: "rows are compared column by column, by name",
    fix: first.fix ?? "name the columns of validate.train and validate.data alike, the target included",
    exit: "usage",
    at: { file },
    ...(problems.length > 1 ? { problems: problems.slice(0, 20) } : {}),
  });
}

/** `c3`: where a column of the training data is. */
export function trainingPlace({ columns }: Training, name: string): string {
  return `c${columns.findIndex((column) => column.name === name)}`;
}
