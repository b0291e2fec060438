// Every verb of mlship with its flags, examples, command and renderer: one table for each group of `mlship --help`.
import type { Verb } from "./verb.ts";
import { buildVerbs } from "./verbs/build.ts";
import { judgeVerbs } from "./verbs/judge.ts";
import { shipVerbs } from "./verbs/ship.ts";
import { startVerbs } from "./verbs/start.ts";
import { versionsVerbs } from "./verbs/versions.ts";
import { watchVerbs } from "./verbs/watch.ts";

/** In the order of `mlship --help`. */
export const verbs: Verb[] = [
  ...startVerbs,
  ...judgeVerbs,
  ...buildVerbs,
  ...shipVerbs,
  ...watchVerbs,
  ...versionsVerbs,
];
