// What validation needs from the outside world: a locked Python environment, and a scorer in it.
import type { Platform } from "../config/image-keys.ts";
import type { Digest } from "../digest.ts";
import type { FileSet, Label } from "../model/model.ts";
import type { Batch } from "./batch.ts";
import type { Series } from "./series.ts";

/** Every distribution pinned by hash for one Python and platform. */
export interface PythonLock {
  /** Minor version of CPython: `3.12`. */
  python: string;
  /** As in a wheel tag: `linux_x86_64`. */
  platform: string;
  /** Text in requirements.txt syntax, each line with its hashes. */
  requirements: string;
  /** The server package that loads and serves the model, as source files. */
  server: FileSet;
  /** Over all of the above: the identity of the environment. */
  digest: Digest;
}

/** A Python environment that holds exactly what its lock names. */
export interface Environment {
  lock: PythonLock;
  /** Absolute path of its interpreter; the package `mlship_server` is importable. */
  python: string;
}

/** What mlship.lock has already decided about the environment of this machine. */
export interface Decided {
  /** Minor version of CPython; null leaves it to the project. */
  python: string | null;
  /** requirements.txt with hashes, per platform of images; the environment of such a machine holds exactly that. */
  exact: Partial<Record<Platform, string>>;
  /** Versions that any other machine keeps where the requirements allow it. */
  preferred: readonly { name: string; version: string }[];
}

/** What else decides a lock. */
export interface LockOptions {
  /** Normalised names of distributions that may be built from source. */
  allowSource?: readonly string[];
  decided?: Decided;
}

/** Makes and finds environments. */
export interface Environments {
  /**
   * Pins `requirements` (PEP 508 lines) for CPython `python` (`3.12`, or `auto`: the newest found
   * on this machine that the server supports) and the server's own requirements.
   * @throws MlshipError `python.*`, exit 5 when Python or the package index is missing, 2 when no
   *   set of versions satisfies the requirements.
   */
  lock(requirements: string[], python: string, options?: LockOptions): Promise<PythonLock>;
  /** The environment that `lock` and then `prepare` would give, if it is there already; nothing is made. */
  find(requirements: string[], python: string, options?: LockOptions): Promise<Environment | null>;
  /**
   * The environment of a lock, made on first use and kept in the cache under its digest.
   * @param serverFile gives the server's source files of a lock from a release; without it they
   *   are this mlship's own.
   */
  prepare(lock: PythonLock, serverFile?: (path: string) => Promise<Uint8Array>): Promise<Environment>;
  /** The bytes of one of the server's source files in a lock that this mlship made. */
  serverFile(path: string): Promise<Uint8Array>;
}

/** Named columns of equal length: what a model is given. */
export type Columns = Record<string, (number | string | boolean | null)[]>;

/** What a model answers to plain values, row by row. */
export interface Predictions {
  /** A label; of a regressor with several outputs a number of each. */
  predictions: (Label | number[])[];
  /** One row of class probabilities per prediction, in the order of `classes`; null when it has none. */
  probabilities: number[][] | null;
}

/** What a model answers to a batch. */
export interface BatchAnswer {
  /** A label per row; of a regressor with several outputs, row by row a number of each. NaN and infinity are kept. */
  predictions: Series;
  /** Values per row among the predictions, 1 but for a regressor with several outputs. */
  outputs: number;
  /** Row by row in the order of `classes`; null when the model gives none. */
  probabilities: Float64Array | null;
  /** Probabilities per row, 0 when there are none. */
  width: number;
}

/** What a loaded model says of itself, with what loading it cost. */
export interface LoadedModel {
  classes: Label[] | null;
  /** PyPI distribution name → version found in the environment. */
  libraries: Record<string, string>;
  loadSeconds: number;
  /** Bytes of resident memory after loading. */
  rss: number;
}

/** What a loaded model costs while it runs. */
export interface RunningCosts {
  /** Seconds in the model for one row, without the way to it, and how many were asked; null when none was. */
  latency: { p50: number; p99: number; calls: number } | null;
  /** Most bytes of resident memory of its process so far. */
  peakRss: number;
}

/** One model, loaded in a Python process of its environment. */
export interface Scorer {
  readonly model: LoadedModel;
  /**
   * Answers rows as a server is asked for them: for a few rows, and to compare with a server's answers.
   * @throws MlshipError `score.*` when the model refuses or fails on these rows, or a number is not finite.
   */
  score(columns: Columns): Promise<Predictions>;
  /**
   * Answers a batch: the same model and the same values, without a text in between. A second batch may
   * be given before the first is answered; they are answered in their order.
   * @throws as `score`, but numbers that are not finite are answers.
   */
  predict(batch: Batch): Promise<BatchAnswer>;
  /**
   * Asks rows one by one until it knows what one costs, for at most so many seconds; 0 asks none.
   * @throws as `score`.
   */
  measure(columns: Columns, seconds: number): Promise<RunningCosts>;
  close(): Promise<void>;
}

/** Python that has been started for a model and waits. */
export interface WaitingScorer {
  /**
   * Loads the bundle, which lies in its folder by now.
   * @throws as `Scorers.open`.
   */
  load(): Promise<Scorer>;
  /** Ends Python, loaded or not. */
  close(): Promise<void>;
}

/** Starts scorers. */
export interface Scorers {
  /**
   * Starts Python, which imports the modules that loading will import. It touches nothing in the bundle's
   * folder before it is told to load.
   * @param modules at least one
   */
  start(environment: Environment, bundleFolder: string, modules: readonly string[]): Promise<WaitingScorer>;
  /**
   * @param threads that numpy, scikit-learn and what else counts on OpenMP may use; 1 when it is left out.
   * @throws MlshipError `model.load-failed` with the last lines that Python printed.
   */
  open(environment: Environment, bundleFolder: string, threads?: number): Promise<Scorer>;
}
