// A Dockerfile to look into, made from the template as `generate` and `build` make it.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { indexSecrets } from "../../../../src/image/plan/build-secrets.ts";
import { imageConfig } from "../../../../src/image/plan/config.ts";
import { renderDockerfile } from "../../../../src/image/plan/dockerfile.ts";

const digest = `sha256:${"a".repeat(64)}` as const;
const template = await readFile(
  path.resolve(import.meta.dirname, "../../../../templates/image/Dockerfile.eta"),
  "utf8",
);

export function renderExample({ name = "fraud", version = "1.4.0", baked = true } = {}): string {
  const base = "docker.io/library/python:3.12-slim";
  const config = imageConfig({
    name,
    version,
    timeoutMs: 2000,
    startTimeoutMs: 60_500,
    baseName: base,
    baseDigest: digest,
    evidence: { model: digest, lock: digest, report: digest },
  });
  const parts = { name, version, base: `${base}@${digest}`, config, secrets: indexSecrets, baked };
  return renderDockerfile(template, parts);
}
