// A builder and an engine without Docker: layouts are real, and the container answers with the model in its image.
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { MlshipError } from "../../src/errors.ts";
import { mediaTypes } from "../../src/image/oci/manifest.ts";
import { createLayout } from "../../src/image/oci/new-layout.ts";
import type { Asking, Builder, BuildRequest, Container, Engine, Limits } from "../../src/image/ports.ts";
import { digestBytes } from "../../src/digest.ts";
import type { Columns, Predictions } from "../../src/validation/ports.ts";
import { evaluateBooster } from "./fake-python.ts";

/** What a test may let go wrong, and what it may look at. */
export class FakeDocker {
  /** Requests of all builds. */
  readonly builds: BuildRequest[] = [];
  /** Limits of all containers that were started. */
  readonly started: Limits[] = [];
  /** Containers and images that are there now. */
  readonly left = new Set<string>();
  readonly swept: { project: string; alive: readonly string[] }[] = [];
  /** There is no engine. */
  isMissing = false;
  /** Told before a build writes its layout. */
  onBuild: (request: BuildRequest) => void = () => {};
  /** Added to each probability. */
  shift = 0;
  state = { running: true, exitCode: null as number | null, outOfMemory: false };
  isReady = true;
  exitCode: number | null = 0;
  /** Bytes of the layer `environment`; what another build makes of the same inputs. */
  environment: () => string = () => "distributions";
  #bundle = "";
  /** The bundle in each image, by its digest. */
  readonly #bundles = new Map<string, string>();

  /** What the servers of an image answer. @param reference `repository@sha256:…` */
  answer(reference: string, columns: Columns): Predictions {
    return evaluateBooster(this.#bundles.get(reference.split("@")[1] ?? "") ?? "no such image")(columns);
  }

  builder(signal: AbortSignal): Builder {
    return {
      name: "fake builder",
      platforms: ["linux/amd64"],
      build: async (request) => {
        this.builds.push(request);
        request.onEvent({ kind: "step", id: "1", name: "[environment 1/1] RUN install", state: "started" });
        request.onEvent({ kind: "output", id: "1", line: "numpy" });
        request.onEvent({ kind: "step", id: "1", name: "[environment 1/1] RUN install", state: "done" });
        this.onBuild(request);
        signal.throwIfAborted();
        this.#bundle = readBundle(request.contextFolder);
        await this.#write(request);
      },
    };
  }

  async #write({ layoutFolder, plan }: BuildRequest): Promise<void> {
    const layout = await createLayout(layoutFolder);
    const layers = [];
    const diffIds = [];
    for (const { name, inputs } of [{ name: "base", inputs: "base" }, ...plan.layers]) {
      const tar = await tarOf(name, name === "environment" ? this.environment() : inputs);
      diffIds.push(digestBytes(tar));
      layers.push({ mediaType: mediaTypes.layer, ...(await layout.addBlob([gzipSync(tar)])) });
    }
    const config = {
      architecture: "amd64",
      os: "linux",
      config: { Labels: plan.config.labels },
      rootfs: { type: "layers", diff_ids: diffIds },
    };
    const described = await layout.addDocument(JSON.stringify(config), mediaTypes.config);
    const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config: described, layers };
    const root = await layout.addDocument(JSON.stringify(manifest), mediaTypes.manifest);
    await layout.finish(root);
    this.#bundles.set(root.digest, this.#bundle);
  }

  engine(): Engine {
    if (this.isMissing) {
      throw new MlshipError({
        code: "docker.missing",
        what: "there is no Docker Engine",
        fix: "start Docker",
        exit: "unavailable",
      });
    }
    return {
      name: "fake engine",
      platform: "linux/amd64",
      load: (_layout, _platform, { build }) => {
        this.left.add(`image ${build}`);
        return Promise.resolve(`image ${build}`);
      },
      start: (_image, limits, { build }) => {
        this.started.push(limits);
        this.left.add(`container ${build}`);
        return Promise.resolve(this.#container(build));
      },
      remove: (image) => {
        this.left.delete(image);
        return Promise.resolve();
      },
      sweep: (project, alive) => {
        this.swept.push({ project, alive });
        return Promise.resolve();
      },
    };
  }

  #container(build: string): Container {
    return {
      url: "http://127.0.0.1:1",
      state: () => Promise.resolve(this.state),
      logs: () => Promise.resolve("its last line"),
      memory: () => Promise.resolve(50_000_000),
      stop: () => Promise.resolve(this.exitCode),
      remove: () => {
        this.left.delete(`container ${build}`);
        return Promise.resolve();
      },
    };
  }

  asking(): Asking {
    return {
      isReady: () => Promise.resolve(this.isReady),
      ask: (_url, columns) => {
        const { predictions, probabilities } = evaluateBooster(this.#bundle)(columns);
        const shifted = probabilities?.map((row) => row.map((value) => value + this.shift)) ?? null;
        return Promise.resolve({ predictions, probabilities: shifted });
      },
    };
  }
}

/** The model and mlship.json of a context in one folder, as the fake scorer reads them. */
function readBundle(contextFolder: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), "mlship-bundle-"));
  const copy = (...from: string[]) => {
    const file = path.join(contextFolder, "layers", ...from);
    writeFileSync(path.join(folder, path.basename(file)), readFileSync(file));
  };
  copy("model/app/model/model.json");
  copy("runtime/app/bundle/mlship.json");
  return folder;
}

async function tarOf(name: string, text: string): Promise<Buffer> {
  const archive = pack();
  archive.entry({ name: `app/${name}`, mtime: new Date(0) }, text);
  archive.finalize();
  const parts: Uint8Array[] = [];
  for await (const part of archive) if (part instanceof Uint8Array) parts.push(part);
  return Buffer.concat(parts);
}
