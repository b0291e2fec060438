// A DuckDB of its own for one data file, in memory and without extensions from anywhere.
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { availableParallelism } from "node:os";

/** An open database; whoever opened it closes it. */
export interface Database {
  connection: DuckDBConnection;
  /** Another connection to the same tables, for a query that is read while others are asked. */
  connect: () => Promise<DuckDBConnection>;
  close: () => void;
}

/** More threads read no faster than a model answers, and each holds parts of all columns. */
const threads = Math.min(4, availableParallelism());
/** MiB. Three million rows of 31 columns were read, sorted and handed out within 128 by one thread, 160 by two. */
const base = 96;
const perThread = 48;
/** KiB. A thread holds some vectors of 2048 values of each column: 10,000 columns need 768 MiB, and fail with 512. */
const perColumn = 80;

/**
 * Opens an empty database that installs and loads nothing by itself.
 * @param spill a folder, made when it is first needed, for what does not fit into memory; its owner
 *   removes it. Null keeps everything in memory, however much it is.
 */
export async function openDatabase(spill: string | null = null): Promise<Database> {
  const instance = await DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    // Else a folder beside the user's own files.
    temp_directory: spill ?? "",
    // Until the number of columns is known: then nothing is held yet.
    ...(spill === null ? {} : { memory_limit: "1GiB", threads: String(threads) }),
  });
  const connection = await instance.connect();
  return {
    connection,
    connect: () => instance.connect(),
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** Bounds what a database that may spill holds of a file with so many columns; what is more goes to its folder. */
export async function boundMemory(connection: DuckDBConnection, columns: number): Promise<void> {
  const read = await connection.runAndReadAll("select current_setting('temp_directory')");
  if (read.getRows()[0]?.[0] === "") return;
  const limit = base + Math.ceil(threads * (perThread + (columns * perColumn) / 1024));
  await connection.run(`set memory_limit='${limit}MiB'`);
}
