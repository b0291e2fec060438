// The Dockerfile of a model's image, from its template; every value is emitted for its place first.
import { Eta } from "eta";
import { MlshipError } from "../../errors.ts";
import { assignment, bare, comment, execForm } from "./emit.ts";
import type { BuildSecret } from "../ports.ts";
import type { ImageConfig } from "./plan.ts";

/** What a Dockerfile says. */
export interface DockerfileParts {
  name: string;
  version: string;
  /** `docker.io/library/python:3.12-slim@sha256:…` */
  base: string;
  config: ImageConfig;
  secrets: readonly BuildSecret[];
  /** Whether the model is a layer of the image. */
  baked: boolean;
}

/**
 * Fills the template in.
 * @param template in eta's syntax; it gets texts that are quoted already, and no raw value
 * @throws MlshipError `image.unprintable` for a value that no Dockerfile can hold, `image.bad-template`; exit 2.
 */
export function renderDockerfile(
  template: string,
  { name, version, base, config, secrets, baked }: DockerfileParts,
): string {
  const { healthcheck } = config;
  const values = {
    title: comment(`${name} ${version}`, "name and version"),
    by: "deploy/image",
    base: bare(base, "the base image"),
    secretMounts: secrets.map(
      ({ id, variable }) =>
        `--mount=type=secret,id=${bare(id, "a secret")},target=/run/secrets/${bare(variable, "a secret")}`,
    ),
    baked,
    workingDir: config.workingDir,
    env: Object.entries(config.env).map(([key, value]) => assignment(key, value)),
    user: bare(config.user, "the user"),
    port: bare(String(config.exposedPort), "serve.port"),
    stopSignal: config.stopSignal,
    interval: seconds(healthcheck.intervalMs),
    timeout: seconds(healthcheck.timeoutMs),
    startPeriod: seconds(healthcheck.startPeriodMs),
    healthcheck: execForm(healthcheck.test, "the health check"),
    entrypoint: execForm(config.entrypoint, "the entry point"),
    labels: Object.entries(config.labels).map(([key, value]) => assignment(key, value)),
  };
  try {
    return new Eta({ autoEscape: false, autoTrim: false }).renderString(template, values);
  } catch (cause) {
    throw new MlshipError({
      code: "image.bad-template",
      what: "the template of the Dockerfile cannot be filled in",
      why: cause instanceof Error ? cause.message : String(cause),
      fix: "correct image.template, or write it anew: mlship generate --eject",
      exit: "usage",
      cause,
    });
  }
}

/** Whole seconds: hadolint knows no smaller unit. */
function seconds(milliseconds: number): string {
  return `${Math.ceil(milliseconds / 1000)}s`;
}
