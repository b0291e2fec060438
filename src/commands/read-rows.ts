// A project's rows, read while something else is done: the database has threads of its own.
import path from "node:path";
import { openDataset, type Dataset } from "../validation/dataset.ts";
import type { Host } from "./host.ts";
import type { Project } from "./project.ts";

/** Rows that are being read. Whoever takes them closes the dataset. */
export interface Rows {
  taken: Promise<Dataset>;
  /** Ends reading and lets go of what was read. */
  drop: () => Promise<void>;
}

/** Begins to read the rows. @param folder for columns that are too many for memory */
export function readRows({ config }: Project, { signal }: Host, folder: string): Rows {
  const { target, weight, key, data, train } = config.validate;
  const roles = {
    target,
    ...(weight === null ? {} : { weight }),
    ...(key === null ? {} : { key }),
    ...(train === null ? {} : { train }),
  };
  const dropped = new AbortController();
  const either = AbortSignal.any([signal, dropped.signal]);
  const taken = openDataset(data, roles, path.join(folder, "spill"), either);
  const closed = taken.then(
    (dataset) => () => dataset.close(),
    // Whoever takes the rows hears of it.
    () => () => {},
  );
  const drop = async () => {
    dropped.abort();
    (await closed)();
  };
  return { taken, drop };
}
