// Environments and scorers without Python: locks are made of their inputs, boosters are really evaluated.
import { readFileSync } from "node:fs";
import path from "node:path";
import { canonicalJson, digestBytes, digestDocument } from "../../src/digest.ts";
import { MlshipError } from "../../src/errors.ts";
import { bundleSchema } from "../../src/model/bundle.ts";
import type { Columns, Environments, Predictions, PythonLock, Scorers } from "../../src/validation/ports.ts";

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
  return {
    async lock(requirements, python): Promise<PythonLock> {
      await act("lock");
      if (faults.isMissing) {
        throw new MlshipError({
          code: "python.missing",
          what: "there is no Python on this machine that can run the model",
          fix: "install Python 3.10 or newer",
          exit: "unavailable",
        });
      }
      const content = {
        python: python === "auto" ? "3.12" : python,
        platform: "linux_x86_64",
        requirements: requirements.map((line) => `${line} --hash=sha256:00\n`).join(""),
        server: {
          files: [serverFile],
          digest: digestBytes(canonicalJson([serverFile])),
          size: serverFile.size,
        },
      };
      return { ...content, digest: digestDocument(content) };
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

export function fakeScorers(faults: PythonFaults, signal: AbortSignal): Scorers {
  return {
    open(_environment, bundleFolder) {
      faults.onAct("load");
      signal.throwIfAborted();
      const evaluate = evaluateBooster(bundleFolder);
      return Promise.resolve({
        model: { classes: [0, 1], libraries: { xgboost: "3.0.0" }, loadSeconds: 0.25, rss: 50_000_000 },
        async score(columns) {
          faults.onAct("score");
          await Promise.resolve();
          signal.throwIfAborted();
          return evaluate(columns);
        },
        close: () => Promise.resolve(),
      });
    },
  };
}
