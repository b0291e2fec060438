// What a scan says to a person, above all which names passed only because somebody trusts them.
import { expect, test } from "vitest";
import type { Scan } from "../../../src/model/scan.ts";
import { renderScan } from "../../../src/ui/scan.ts";

const scan: Scan = {
  schema: "mlship.scan/v1",
  model: "sha256:70",
  format: "sklearn",
  verdict: "safe",
  findings: [],
  members: [],
  globals: [
    { name: "acme.Encoder", count: 1 },
    { name: "sklearn.pipeline.Pipeline", count: 2 },
  ],
  trust: ["acme.Encoder", "acme.Unused"],
  digest: "sha256:d1",
};
const screen = { width: 80, terminal: true, style: (_style: string, text: string) => text };

test("a name that model.trust let through is told from the allowed ones", () => {
  expect(renderScan(scan, screen)).toMatchInlineSnapshot(`
    "safe to load: sklearn model sha256:70

    names that loading reaches             times
    acme.Encoder (trusted by model.trust)  1
    sklearn.pipeline.Pipeline              2
    "
  `);
});

test("what refuses a model is named with its place", () => {
  const finding = {
    file: "m.joblib",
    offset: 28,
    global: "posix.system",
    rule: "unknown-global",
    message: "it is not allowed",
  };
  const shown = renderScan({ ...scan, verdict: "refused", findings: [finding], trust: [] }, screen);
  expect(shown).toContain("REFUSED");
  expect(shown).toContain("- posix.system: it is not allowed (m.joblib, byte 28)");
});

test("files beside the model are listed with what is known of them", () => {
  const members: Scan["members"] = [
    { path: "features.py", kind: "a Python module", verdict: "not-read", why: "model.trust names features" },
    { path: "scaler.pkl", kind: "a pickle", verdict: "safe", why: null },
  ];
  expect(renderScan({ ...scan, globals: [], members }, screen)).toMatchInlineSnapshot(`
    "safe to load: sklearn model sha256:70

    loading it runs no code of its own

    files beside it
    features.py      a Python module  not read: model.trust names features
    scaler.pkl       a pickle         safe
    "
  `);
});

test("what is refused is not said to run no code", () => {
  const findings = [
    { file: "m.keras", offset: null, global: null, rule: "damaged", message: "it is cut short" },
  ];
  const text = renderScan({ ...scan, verdict: "refused", globals: [], findings }, screen);
  expect(text).not.toContain("runs no code");
});
