// What doctor looks at in the project's folder, and on this machine.
import { stat } from "node:fs/promises";
import path from "node:path";
import { MlshipError } from "../../errors.ts";
import { digestBytes } from "../../digest.ts";
import { showBytes } from "../../validation/show.ts";
import { parseReference } from "../../image/oci/reference.ts";
import { openModel } from "../../model/open.ts";
import { podStoreOf } from "../../cluster/pod-store.ts";
import type { Host } from "../host.ts";
import type { Project } from "../project.ts";
import type { Check } from "./check.ts";

/** Model and data. */
export function fileChecks({ config }: Project): Check[] {
  const { path: source, format, handler } = config.model;
  return [
    {
      name: "model",
      async look() {
        const told = format === "auto" ? {} : { format };
        const opened = await openModel(source, { ...told, handler: handler !== null });
        opened.close();
        return { found: `${shown(config.folder, source)}, ${opened.format}, ${showBytes(opened.size)}` };
      },
    },
    {
      name: "data",
      async look() {
        const { data } = config.validate;
        const found = await stat(data).catch(() => null);
        if (found === null) throw withoutData(data);
        return { found: `${shown(config.folder, data)}, ${showBytes(found.size)}` };
      },
    },
  ];
}

/** Python, and what images need where images are made. */
export function machineChecks(project: Project, host: Host): Check[] {
  const { python, image, deploy } = project.config;
  const makesImages = image.repository !== null || deploy.target === "kubernetes";
  return [
    {
      name: "python",
      async look() {
        const environments = await host.environments(path.join(project.state, "locks"));
        // The server's own packages: uv, an interpreter and the package index are all needed for them.
        const lock = await environments.lock([], python.version);
        return { found: `Python ${lock.python}, ${lock.platform}; packages can be locked` };
      },
    },
    ...(makesImages ? [dockerCheck(host)] : []),
    ...(image.repository === null ? [] : [registryCheck(project, image.repository, host)]),
    ...(image.delivery === "s3" ? [deliveryCheck(project)] : []),
  ];
}

function dockerCheck(host: Host): Check {
  return {
    name: "docker",
    async look() {
      const [builder, engine] = await Promise.all([host.builder(), host.engine()]);
      return { found: `${builder.name} builds, ${engine.name} runs` };
    },
  };
}

/** Asked as a push asks, so that credentials that may only read are found out. */
function registryCheck({ config }: Project, repository: string, host: Host): Check {
  return {
    name: "registry",
    async look() {
      const registry = await host.registry();
      await registry.hasBlob(parseReference(repository), digestBytes(""));
      const reference = `${repository}:${config.version}`;
      const there = (await registry.manifest(parseReference(reference))) !== null;
      return { found: `${repository} answers; ${config.version} is ${there ? "there" : "not there yet"}` };
    },
  };
}

function deliveryCheck({ config }: Project): Check {
  return {
    name: "delivery",
    look() {
      const { store } = podStoreOf(config.artifacts);
      return Promise.resolve({ found: `pods fetch the model from ${store}` });
    },
  };
}

function shown(folder: string, file: string): string {
  const relative = path.relative(folder, file);
  return relative.startsWith("..") ? file : relative;
}

function withoutData(file: string): MlshipError {
  return new MlshipError({
    code: "data.missing",
    what: `there is no data file ${file}`,
    fix: "correct validate.data in mlship.yaml; the path is relative to that file",
    exit: "usage",
  });
}
