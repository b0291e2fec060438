// What a model file could do when it is loaded.
import type { Scan } from "../model/scan.ts";
import type { Render } from "./screen.ts";
import { table, wrap } from "./table.ts";

/** The verdict, what stands against the model, and every name that it mentions. */
export const renderScan: Render<Scan> = (
  { format, verdict, findings, members, globals, model, trust },
  screen,
) => {
  const { style, width } = screen;
  const safe = verdict === "safe";
  const head = safe ? style("green", "safe to load") : style("red", "REFUSED");
  const found = findings.map(({ file, offset, global, message }) => {
    const place = offset === null ? file : `${file}, byte ${offset}`;
    const named = global === null || message.includes(global) ? "" : `${style("bold", global)}: `;
    return `- ${wrap(`${named}${message} (${place})`, width, "  ")}\n`;
  });
  const trusted = new Set(trust);
  const names = globals.map(({ name, count }) => [
    trusted.has(name) ? `${name} (trusted by model.trust)` : name,
    String(count),
  ]);
  return [
    `${head}: ${format} model ${model}\n`,
    ...(found.length === 0 ? [] : ["\n", ...found]),
    ...(names.length === 0
      ? [safe ? "\nloading it runs no code of its own\n" : ""]
      : [`\n${table(["names that loading reaches", "times"], names, screen)}`]),
    ...(members.length === 0 ? [] : [`\n${table(["files beside it", "", ""], members.map(rowOf), screen)}`]),
    ...(safe ? [] : [`\n${style("dim", "next:")} ${wrap(nextOf(format, findings), width, "      ")}\n`]),
  ].join("");
};

function nextOf(format: Scan["format"], findings: Scan["findings"]): string {
  const better = findings.every(({ rule }) => rule === "module")
    ? "take the modules out of the model's folder"
    : format === "pytorch"
      ? "save a state_dict beside a handler, or with torch.export"
      : "re-save the model as skops or ONNX";
  return `${better}, or list what you know to be harmless under model.trust`;
}

/** Of a refused file the findings say why. */
function rowOf({ path, kind, verdict, why }: Scan["members"][number]): string[] {
  if (verdict !== "not-read") return [path, kind, verdict];
  return [path, kind, why === null ? "not read" : `not read: ${why}`];
}
