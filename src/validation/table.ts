// The rows of a data file under the file's own names, as plain values.
import type { DuckDBConnection, DuckDBValue } from "@duckdb/node-api";
import { basename } from "node:path";
import { suggest } from "../config/suggest.ts";
import { MlshipError } from "../errors.ts";
import type { InputColumn } from "../model/model.ts";
import { badNumber } from "./data-fault.ts";
import type { Columns } from "./ports.ts";
import type { SourceColumn } from "./stored.ts";

/** A column of the data. */
export interface DataColumn extends InputColumn {
  /** Rows without a value, NaN included. */
  nulls: number;
}

/** A column with its place: `c` and this number is what the table `rows` calls it. */
export type PlacedColumn = DataColumn & { place: number };

/** The table `rows` with the file's own names. */
export class Table {
  readonly #connection: DuckDBConnection;
  readonly #file: string;
  readonly #columns: SourceColumn[];
  readonly #nulls: number[];
  readonly #places: Map<string, number>;

  constructor(connection: DuckDBConnection, file: string, columns: SourceColumn[], nulls: number[]) {
    this.#connection = connection;
    this.#file = file;
    this.#columns = columns;
    this.#nulls = nulls;
    this.#places = new Map(columns.map(({ name }, place) => [name, place]));
  }

  /** The column's place in the table, -1 when there is none. */
  place(name: string): number {
    return this.#places.get(name) ?? -1;
  }

  /**
   * @param asked the key of mlship.yaml that names the column, null when the model does.
   * @throws MlshipError `data.no-target`, `data.no-column`, `data.column-type`.
   */
  column(name: string, asked: string | null): DataColumn {
    const place = this.place(name);
    const column = this.#columns[place];
    if (!column) throw noColumn(this.#file, name, asked, [...this.#places.keys()]);
    if (column.type === null) throw wrongType(this.#file, name, column.stored);
    const nulls = this.#nulls[place] ?? 0;
    return { name, type: column.type, nullable: nulls > 0, nulls };
  }

  /** As {@link column}, for columns that a model names, with their places. */
  placed(names: readonly string[]): PlacedColumn[] {
    return names.map((name) => ({ ...this.column(name, null), place: this.place(name) }));
  }

  /**
   * Values of the rows that an SQL predicate, made by mlship, lets through.
   * @throws MlshipError `data.no-column`, `data.column-type`, `data.number`.
   */
  async read(names: readonly string[], filter: string): Promise<Columns> {
    const wanted = names.map((name) => this.column(name, null));
    const list = wanted.map(({ name }) => `c${this.place(name)}`).join();
    const values: Columns = Object.create(null);
    if (wanted.length === 0) return values;
    const read = await this.#connection.runAndReadAll(`select rowid, ${list} from rows where ${filter}`);
    const [numbers = [], ...columns] = read.currentRowCount > 0 ? read.getColumns() : [];
    // Sorted here: `order by` makes DuckDB slow on thousands of columns.
    const order = numbers.map((row, at) => ({ row: Number(row), at })).sort((a, b) => a.row - b.row);
    for (const [index, { name }] of wanted.entries()) {
      const column = columns[index] ?? [];
      values[name] = order.map(({ at }) => this.#plain(column[at] ?? null, name));
    }
    return values;
  }

  #plain(value: DuckDBValue, name: string): number | string | boolean | null {
    if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
    const number = typeof value === "bigint" ? Number(value) : value;
    if (typeof number !== "number") throw wrongType(this.#file, name, typeof value);
    if (Number.isNaN(number)) return null;
    if (Number.isFinite(number) && (typeof value === "number" || Number.isSafeInteger(number))) return number;
    throw badNumber(this.#file, name, number, null);
  }
}

function noColumn(file: string, name: string, asked: string | null, names: string[]): MlshipError {
  const near = suggest(name, names);
  const first = names.slice(0, 10);
  const more = names.length - first.length;
  return new MlshipError({
    code: asked === "validate.target" ? "data.no-target" : "data.no-column",
    what: `${basename(file)} has no column ${JSON.stringify(name)}`,
    why: `its columns are ${first.map((found) => JSON.stringify(found)).join(", ")}${more > 0 ? ` and ${more} more` : ""}`,
    fix: near
      ? `did you mean ${JSON.stringify(near)}?${asked ? ` Set ${asked} in mlship.yaml` : ""}`
      : asked
        ? `set ${asked} in mlship.yaml to one of them`
        : "add the column that the model needs, with the name that it was trained with",
    exit: "usage",
    at: { file },
  });
}

function wrongType(file: string, name: string, stored: string): MlshipError {
  return new MlshipError({
    code: "data.column-type",
    what: `column ${JSON.stringify(name)} of ${basename(file)} holds ${stored}, which no model can be given`,
    fix: "write numbers, truth values or text into it, or leave it out of the model's inputs",
    exit: "usage",
    at: { file },
  });
}
