// No estimator of scikit-learn, LightGBM or XGBoost is refused, however it was saved: fitted and pickled here for real.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { root, serverEnvironment } from "../../scripts/server-environment.ts";
import { scanModel } from "../../src/model/scan.ts";

const fitted = z.object({ saved: z.array(z.string()), unfitted: z.array(z.string()) });

test("every estimator that can be fitted is safe", { timeout: 240_000 }, async () => {
  const python = await serverEnvironment([join(root, "templates/server/tests/requirements.txt")]);
  const folder = mkdtempSync(join(tmpdir(), "mlship-benign-"));
  try {
    const script = join(import.meta.dirname, "benign/fit.py");
    const { saved, unfitted } = fitted.parse(
      JSON.parse(execFileSync(python, ["-W", "ignore", script, folder], { encoding: "utf8" })),
    );
    expect(unfitted).toEqual([]);
    expect(saved.length).toBeGreaterThan(200);
    const files = readdirSync(folder);
    expect(files).toHaveLength(saved.length * 10);
    const refused: string[] = [];
    for (const file of files) {
      const { findings } = await scanModel(join(folder, file), { trust: [] });
      refused.push(...findings.map(({ message }) => `${file}: ${message}`));
    }
    expect(refused).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
