// Environments and scorers without Python: locks are made of their inputs, boosters are really evaluated.
import { readFileSync } from "node:fs";
import path from "node:path";
import { canonicalJson, digestBytes, digestDocument } from "../../src/digest.ts";
import { MlshipError } from "../../src/errors.ts";
import { bundleSchema } from "../../src/model/bundle.ts";
import type { Resolver } from "../../src/image/lock/ports.ts";
import type {
  Columns,
  Environments,
  LockOptions,
  Predictions,
  PythonLock,
  Scorer,
  Scorers,
} from "../../src/validation/ports.ts";
import { Series } from "../../src/validation/series.ts";

const serverBytes = Buffer.from("# the server's source\n");
const serverFile = {
  path: "mlship_server/__main__.py",
  size: serverBytes.length,
  sha256: digestBytes(serverBytes),
};

/** What may go wrong, and what is told before each act. */
export interface PythonFaults {
  /** No interpreter on this machine. */
  isMissing: boolean;
  /** Told `lock`, `prepare`, `load` and `score`. */
  onAct: (act: string) => void;
}

/** @param signal breaks off what a real tool would break off */
export function fakeEnvironments(faults: PythonFaults, signal: AbortSignal): Environments {
  const act = async (name: string) => {
    faults.onAct(name);
    await Promise.resolve();
    signal.throwIfAborted();
  };
  const lockOf = (requirements: string[], python: string, { decided }: LockOptions): PythonLock => {
    const content = {
      python: decided?.python ?? (python === "auto" ? "3.12" : python),
      platform: "linux_x86_64",
      requirements:
        decided?.exact["linux/amd64"] ?? requirements.map((line) => `${line} --hash=sha256:00\n`).join(""),
      server: {
        files: [serverFile],
        digest: digestBytes(canonicalJson([serverFile])),
        size: serverFile.size,
      },
    };
    return { ...content, digest: digestDocument(content) };
  };
  return {
    find: (requirements, python, options = {}) =>
      Promise.resolve(
        faults.isMissing ? null : { lock: lockOf(requirements, python, options), python: "/fake/python" },
      ),
    async lock(requirements, python, options = {}) {
      await act("lock");
      if (faults.isMissing) {
        throw new MlshipError({
          code: "python.missing",
          what: "there is no Python on this machine that can run the model",
          fix: "install Python 3.10 or newer",
          exit: "unavailable",
        });
      }
      return lockOf(requirements, python, options);
    },
    async prepare(lock, fileOf) {
      await act("prepare");
      for (const file of lock.server.files) {
        const bytes = fileOf ? await fileOf(file.path) : serverBytes;
        if (digestBytes(bytes) !== file.sha256) throw new Error(`${file.path} has other bytes`);
      }
      return { lock, python: "/fake/python" };
    },
    serverFile: () => Promise.resolve(serverBytes),
  };
}

/** Versions of each distribution, oldest first, and the server that this mlship comes with. */
export interface FakeIndex {
  versions: Map<string, string[]>;
  /** `name platform` for which there is no wheel. */
  lacking: Set<string>;
  pythons: string[];
  server: string;
}

export const fakeIndex = (): FakeIndex => ({
  versions: new Map([
    ["xgboost", ["2.1.4", "3.0.0", "3.1.0"]],
    ["numpy", ["1.26.4", "2.1.0", "2.2.1"]],
    ["uvicorn", ["0.54.0"]],
  ]),
  lacking: new Set(),
  pythons: ["3.12", "3.11"],
  server: "first",
});

/** The hash of a wheel that there is not. */
export const fakeHash = (...parts: string[]): string => digestBytes(parts.join(" ")).slice("sha256:".length);

/** Gives the preferred version of what is required by name, or the newest; numpy and uvicorn come along. */
export function fakeResolver(faults: PythonFaults, index: FakeIndex, signal: AbortSignal): Resolver {
  return {
    builder: {
      uv: { version: "0.13.8", sha256: { "linux/amd64": fakeHash("uv"), "linux/arm64": fakeHash("uv") } },
    },
    pythons: () => Promise.resolve(index.pythons),
    server: () => Promise.resolve({ digest: digestBytes(index.server), requirements: ["numpy", "uvicorn"] }),
    async resolve({ requirements, python, platform, preferred, allowSource }) {
      faults.onAct("resolve");
      await Promise.resolve();
      signal.throwIfAborted();
      const asked = new Map<string, string | undefined>();
      for (const line of requirements) {
        const [, name = "", exact] = /^(?:xgboost-cpu|([a-z]+))(?:==([\w.]+))?/.exec(line) ?? [];
        if (name !== "") asked.set(name, exact ?? asked.get(name));
      }
      return [...asked]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, exact]) => {
          const source = index.lacking.has(`${name} ${platform}`);
          if (source && !allowSource.includes(name)) {
            throw new MlshipError({
              code: "lock.no-wheel",
              what: `${name} has no wheel that fits Python ${python} on ${platform}`,
              fix: "take another version",
              exit: "usage",
            });
          }
          const kept = preferred.find((pin) => pin.name === name)?.version;
          const version = exact ?? kept ?? index.versions.get(name)?.at(-1) ?? "1.0";
          const sha256 = [fakeHash(name, version, platform)];
          return { name, version, sha256, ...(source ? { source: true as const } : {}) };
        });
    },
  };
}

/** The logistic function of the booster's weights and the columns, for the booster in a bundle's folder. */
export function evaluateBooster(bundleFolder: string): (columns: Columns) => Predictions {
  const read = (name: string): unknown => JSON.parse(readFileSync(path.join(bundleFolder, name), "utf8"));
  const bundle = bundleSchema.parse(read("mlship.json"));
  const { learner } = read(bundle.entry) as {
    learner: { gradient_booster: { model: { weights: number[] } } };
  };
  const { weights } = learner.gradient_booster.model;
  const names = bundle.inputs.map(({ name }) => name);
  return (columns) => {
    const count = columns[names[0] ?? ""]?.length ?? 0;
    const chances = Array.from({ length: count }, (_, row) => {
      const sum = names.reduce(
        (total, name, place) => total + Number(columns[name]?.[row]) * weights[place]!,
        weights[names.length]!,
      );
      return 1 / (1 + Math.exp(-sum));
    });
    return {
      predictions: chances.map((chance) => (chance >= 0.5 ? 1 : 0)),
      probabilities: chances.map((chance) => [1 - chance, chance]),
    };
  };
}

/** A batch as plain values, and plain answers as a batch's. */
export function predictOf(score: (columns: Columns) => Predictions): Scorer["predict"] {
  return async (batch) => {
    await Promise.resolve();
    const columns: Columns = Object.create(null);
    for (const [place, name] of batch.numbers.entries()) {
      const values = batch.numberBlock.subarray(place * batch.rows, (place + 1) * batch.rows);
      columns[name] = Array.from(values, (value) => (Number.isNaN(value) ? null : value));
    }
    for (const [place, { name, words }] of batch.texts.entries()) {
      const codes = batch.textBlock.subarray(place * batch.rows, (place + 1) * batch.rows);
      columns[name] = Array.from(codes, (code) => words[code] ?? null);
    }
    const { predictions, probabilities } = score(columns);
    const outputs = Array.isArray(predictions[0]) ? predictions[0].length : 1;
    return {
      predictions: Series.of(predictions.flat()),
      outputs,
      probabilities: probabilities && Float64Array.from(probabilities.flat()),
      width: probabilities?.[0]?.length ?? 0,
    };
  };
}

export function fakeScorers(faults: PythonFaults, signal: AbortSignal): Scorers {
  const scorers: Scorers = {
    start: (environment, bundleFolder) =>
      Promise.resolve({
        load: () => scorers.open(environment, bundleFolder),
        close: () => Promise.resolve(),
      }),
    open(_environment, bundleFolder) {
      faults.onAct("load");
      signal.throwIfAborted();
      const evaluate = evaluateBooster(bundleFolder);
      const predict = predictOf(evaluate);
      return Promise.resolve({
        model: { classes: [0, 1], libraries: { xgboost: "3.0.0" }, loadSeconds: 0.25, rss: 50_000_000 },
        async score(columns) {
          faults.onAct("score");
          await Promise.resolve();
          signal.throwIfAborted();
          return evaluate(columns);
        },
        async predict(batch) {
          faults.onAct("score");
          await Promise.resolve();
          signal.throwIfAborted();
          return predict(batch);
        },
        measure: () => Promise.resolve({ latency: { p50: 0.001, p99: 0.002, calls: 200 }, peakRss: 2e8 }),
        close: () => Promise.resolve(),
      });
    },
  };
  return scorers;
}
