// A small strict reader of Dockerfiles: the judge of what a builder would make of an emitted text.

/** One instruction with its arguments, continuation lines joined. */
export interface Instruction {
  name: string;
  args: string;
}

/** @throws Error for a line that is no instruction. */
export function readInstructions(text: string): Instruction[] {
  const found: Instruction[] = [];
  let open = "";
  for (const line of text.split("\n")) {
    if (/^\s*#/.test(line) || (open === "" && line.trim() === "")) continue;
    if (/\\[ \t]*$/.test(line)) {
      open += line.replace(/\\[ \t]*$/, "");
      continue;
    }
    const [, name, args] = /^([A-Z]+) (.*)$/s.exec(open + line) ?? [];
    if (name === undefined || args === undefined)
      throw new Error(`no instruction: ${JSON.stringify(open + line)}`);
    found.push({ name, args });
    open = "";
  }
  if (open !== "") throw new Error("the last line goes on");
  return found;
}

/** The pairs of ENV or LABEL, as the shell lexer of a builder reads double quotes; `$` that is not escaped is refused. */
export function readPairs(args: string): Record<string, string> {
  const pairs: Record<string, string> = {};
  let rest = args.trim();
  while (rest !== "") {
    const [whole, key, quoted] = /^([A-Za-z][\w.-]*)="((?:[^"\\$]|\\["\\$])*)"(?:\s+|$)/.exec(rest) ?? [];
    if (whole === undefined || key === undefined || quoted === undefined) throw new Error(`no pair: ${rest}`);
    pairs[key] = quoted.replaceAll(/\\(["\\$])/g, "$1");
    rest = rest.slice(whole.length);
  }
  return pairs;
}
