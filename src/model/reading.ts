// What reading a model's bytes gives, whatever the format: facts, findings and the names it mentions.
import type { Model } from "./model.ts";

/** A reason not to load a model. */
export interface Finding {
  /** Path of the file inside the model, `/` between folders. */
  file: string;
  /** Byte offset in the file (after decompression, where the file is compressed); null when there is none. */
  offset: number | null;
  /** Qualified name of what would be reached: `posix.system`, or a custom operator's domain. */
  global: string | null;
  /** Stable name of the rule that was broken: `unknown-global`, `damaged`, `external-data` … */
  rule: string;
  message: string;
}

/** A file beside the main one, or inside an archive, that was looked at by itself, or was not and why. */
export interface Member {
  /** Path inside the model. */
  path: string;
  /** What it is, in words. */
  kind: string;
  verdict: "safe" | "refused" | "not-read";
  why: string | null;
}

/** The part of a model that is read from its own bytes. */
export type Facts = Pick<
  Model,
  "estimator" | "libraries" | "featureNames" | "featureCount" | "classes" | "task"
>;

/** What one walk over a model gives. */
export interface Reading {
  facts: Facts;
  findings: Finding[];
  /** Qualified name → how often the model mentions it. */
  globals: Map<string, number>;
  /** Files beside the main one, by path. */
  members?: Member[];
  /** Words for a file that is no whole model, so that a handler must make one of it. */
  lacks?: string;
}

/** Facts of a model that says nothing about itself. */
export const noFacts: Facts = {
  estimator: null,
  libraries: {},
  featureNames: null,
  featureCount: null,
  classes: null,
  task: null,
};

/** A name from a file made fit to print: quoted, escaped, at most 120 characters. */
export function quote(text: string): string {
  const shown = text.length > 120 ? `${text.slice(0, 117)}...` : text;
  return JSON.stringify(shown).replaceAll(/[\u007F-\u009F\u2028-\u202E\u2066-\u2069]/g, (character) => {
    return `\\u${character.codePointAt(0)?.toString(16).padStart(4, "0")}`;
  });
}
