// What a project needs and whether it is there; and the policy that the store's users need.
import type { DoctorDocument } from "../commands/doctor.ts";
import type { PolicyDocument } from "../commands/policy.ts";
import type { Render } from "./screen.ts";
import { pad, wrap } from "./table.ts";

const marks = { ok: ["green", "✔"], warn: ["yellow", "!"], fail: ["red", "✖"] } as const;

/** A line for each check, and below it what to do. */
export const renderDoctor: Render<DoctorDocument> = ({ findings }, { terminal, width, style }) => {
  if (!terminal) {
    const rows = findings.map(({ outcome, check, found, fix }) => [outcome, check, found, fix ?? ""]);
    return rows
      .map(
        (row) =>
          `${row
            .map((cell) => cell.replaceAll("\n", "; "))
            .join("\t")
            .trimEnd()}\n`,
      )
      .join("");
  }
  const widest = Math.max(...findings.map(({ check }) => check.length));
  const indent = " ".repeat(widest + 4);
  return findings
    .map(({ outcome, check, found, fix }) => {
      const [colour, mark] = marks[outcome];
      const first = `${style(colour, mark)} ${pad(check, widest)}  ${wrap(found, width, indent)}\n`;
      return fix === null
        ? first
        : `${first}${indent}${style("cyan", "fix:")} ${wrap(fix, width, `${indent}     `)}\n`;
    })
    .join("");
};

/** The policy alone, so that it can be given to AWS as it is. */
export const renderPolicy: Render<PolicyDocument> = ({ policy }) => `${JSON.stringify(policy, null, 2)}\n`;
