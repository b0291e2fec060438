// Reads TypeScript source as far as the reference needs it: brackets, members, arguments and texts.
// Texts are in double quotes or backticks, as the formatter of this repository writes them.

/** End of the string or template that begins at `at`. */
function endOfText(text: string, at: number): number {
  const quote = text[at];
  for (let index = at + 1; index < text.length; index++) {
    if (text[index] === "\\") index++;
    else if (quote === "`" && text.startsWith("${", index)) index = endOfBracket(text, index + 1);
    else if (text[index] === quote) return index;
  }
  return text.length;
}

/** Place of the bracket that closes the one at `at`. */
function endOfBracket(text: string, at: number): number {
  let depth = 0;
  for (let index = at; index < text.length; index++) {
    const letter = text[index] ?? "";
    if (text.startsWith("//", index)) index = text.indexOf("\n", index);
    else if ('"`'.includes(letter)) index = endOfText(text, index);
    else if ("{([".includes(letter)) depth++;
    else if ("})]".includes(letter) && --depth === 0) return index;
  }
  return text.length;
}

/** The innermost `{…}` or `(…)` around a place that is in no nested text, with its brackets. */
export function bracketAround(text: string, at: number): { from: number; text: string } {
  for (let from = at - 1; from >= 0; from--) {
    if (!"{(".includes(text[from] ?? "") || text[from - 1] === "$") continue;
    const to = endOfBracket(text, from);
    if (to > at) return { from, text: text.slice(from, to + 1) };
  }
  return { from: 0, text };
}

/** The parts of `(…)`, `{…}` or `[…]` between its own commas. */
export function argumentsOf(bracket: string): string[] {
  const parts: string[] = [];
  let from = 1;
  for (let index = 1; index < bracket.length; index++) {
    const letter = bracket[index] ?? "";
    if (bracket.startsWith("//", index)) index = bracket.indexOf("\n", index);
    else if ('"`'.includes(letter)) index = endOfText(bracket, index);
    else if ("{([".includes(letter)) index = endOfBracket(bracket, index);
    else if (letter === "," || index === bracket.length - 1) {
      parts.push(bracket.slice(from, index).trim());
      from = index + 1;
    }
  }
  return parts.filter((part) => part !== "");
}

/** The expression of a member of an object literal; its own name for a shorthand; null without one. */
export function memberOf(object: string, name: string): string | null {
  for (const part of argumentsOf(object)) {
    if (part === name) return name;
    const [, expression] = new RegExp(`^(?://.*\\n\\s*)*${name}:\\s*([\\s\\S]*)$`).exec(part) ?? [];
    if (expression !== undefined) return expression;
  }
  return null;
}

/**
 * The texts that an expression can give, with `…` for what is filled in. One without texts of its own
 * gives those of the constants that it names, looked up backwards in the source before it.
 */
export function literalsIn(expression: string, before: string): string[] {
  const found: string[] = [];
  for (let index = 0; index < expression.length; index++) {
    if (!'"`'.includes(expression[index] ?? "")) continue;
    const to = endOfText(expression, index);
    // A text that is compared with is no text that is said.
    if (!/[=!]==\s*$/.test(expression.slice(0, index))) found.push(said(expression.slice(index + 1, to)));
    index = to;
  }
  const own = found.filter((words) => words !== "");
  if (own.length > 0) return own;
  return [...expression.matchAll(/\b[a-z]\w*\b/gi)].flatMap(([name]) => {
    const value = before.match(new RegExp(`const ${name}(?:: string)? =\\s*[\\s\\S]*?;\\n`, "g"))?.at(-1);
    return value === undefined ? [] : literalsIn(value.slice(value.indexOf("=") + 1), "");
  });
}

function said(inside: string): string {
  let words = "";
  for (let index = 0; index < inside.length; index++) {
    if (inside.startsWith("${", index)) {
      words += "…";
      index = endOfBracket(inside, index + 1);
    } else if (inside[index] === "\\") words += inside[++index] === "n" ? " " : (inside[index] ?? "");
    else words += inside[index];
  }
  return words;
}
