// HAProxy's configuration as words and lines: the only way in which a value gets into it.
import { MlshipError } from "../../errors.ts";

/** One word of a directive. */
export type Word = string | number;

/** A section: `backend model` and the directives in it. */
export interface Section {
  head: readonly Word[];
  directives: readonly (readonly Word[])[];
}

/**
 * What a word may hold. Blanks end a word, `#` begins a comment, quotes and backslashes change how
 * the rest is read, `$` names a variable of the environment: none of them is ever needed, so none is
 * ever quoted.
 */
const plain = /^[A-Za-z0-9_.:,/@%()[\]{}^*+=|?<>!~;&-]+$/;

/**
 * The configuration's text. Every word reaches HAProxy as it is, as one word.
 * @throws MlshipError `cluster.router-word`, exit 2, that never shows the word.
 */
export function configuration(sections: readonly Section[]): string {
  return sections
    .map(({ head, directives }) =>
      [line(head), ...directives.map((words) => `  ${line(words)}`)].map((text) => `${text}\n`).join(""),
    )
    .join("\n");
}

function line(words: readonly Word[]): string {
  return words
    .map((word) => {
      const text = String(word);
      if (plain.test(text)) return text;
      throw new MlshipError({
        code: "cluster.router-word",
        what: `a value for the router's ${words[0] === word ? "configuration" : `directive ${String(words[0])}`} holds a character that it cannot`,
        why: "blanks, quotes, control characters and the like would end the value and begin another one",
        fix: "take the character out of deploy.router or the address that it comes from",
        exit: "usage",
      });
    })
    .join(" ");
}
