// The topics of `mlship help` that are not verbs.
import { exitCodes } from "../errors.ts";

/** Topic → what it is about, and its text. */
export const topics: Record<string, { about: string; text: string }> = {
  "exit-codes": {
    about: "what each exit code means",
    text: [
      [exitCodes.done, "done"],
      [exitCodes.internal, "internal error: a fault in mlship"],
      [exitCodes.usage, "usage or configuration: the command line, mlship.yaml, or a file it names"],
      [exitCodes.gate, "a gate failed: the model was judged bad, or its canary was taken back"],
      [exitCodes.inconclusive, "inconclusive: not enough evidence, nothing was promoted"],
      [exitCodes.unavailable, "a tool, server or credential is missing or refused"],
      [exitCodes.locked, "another rollout holds the lock"],
      [exitCodes.attention, "the state needs a person"],
      [exitCodes.interrupted, "interrupted by Ctrl-C or a signal"],
    ]
      .map(([code, about]) => `${String(code).padStart(4)}  ${about}\n`)
      .join(""),
  },
  environment: {
    about: "variables that mlship reads",
    text: [
      ["MLSHIP_<KEY>", "overrides a key of mlship.yaml: MLSHIP_SERVE_PORT=9000"],
      ["MLSHIP_ENVIRONMENT", "the environment, as -e"],
      ["MLSHIP_CACHE", "folder for Python environments (~/.cache/mlship)"],
      ["MLSHIP_SIGNING_KEY", "private key, PEM, instead of the file in image.signingKey"],
      ["MLSHIP_KEY_PASSWORD", "opens and encrypts the private key"],
      ["MLSHIP_PROMETHEUS_TOKEN", "bearer token for deploy.canary.prometheus"],
      ["DOCKER_HOST, DOCKER_CONFIG", "the engine, and the folder of its credentials"],
      ["NO_COLOR, FORCE_COLOR", "colour off, colour on"],
      ["CI", "no prompts, no live lines"],
    ]
      .map(([name, about]) => `  ${String(name).padEnd(26)}  ${about}\n`)
      .join(""),
  },
};
