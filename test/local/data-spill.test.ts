// A data file that is larger than the memory that DuckDB may take.
import { DuckDBInstance } from "@duckdb/node-api";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openDataset } from "../../src/validation/dataset.ts";
import { tempFolder } from "../unit/validation/files.ts";

test("a table larger than the memory that it may take is read whole, by way of its folder", async () => {
  const folder = await tempFolder();
  const file = join(folder, "d.parquet");
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  // 50 columns of 1 000 000 doubles: 400 MB, of which 256 MiB fit.
  const list = Array.from({ length: 50 }, (_none, at) => `x * ${at + 1} as f${at}`);
  await connection.run(
    `copy (select ${list.join()}, i % 2 as y from (select i, hash(i) / 1e19 as x from range(1000000) as t(i))) to '${file}' (format parquet)`,
  );
  connection.closeSync();
  const spill = join(folder, "spill");
  const dataset = await openDataset(file, { target: "y" }, spill);
  expect(existsSync(spill)).toBe(true);
  let [rows, odd] = [0, 0];
  for await (const batch of dataset.batches(["f0", "f49"], 8192)) {
    for (let row = 0; row < batch.rows; row++) {
      const [first = 0, last = 0] = [batch.numberBlock[row], batch.numberBlock[batch.rows + row]];
      if (Math.abs(last - first * 50) > 1e-9) odd++;
    }
    rows += batch.rows;
  }
  dataset.close();
  expect([rows, odd]).toEqual([1_000_000, 0]);
}, 120_000);
