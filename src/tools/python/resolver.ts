// Pins distributions for the platforms of images, which need not be this machine's.
import { digestDocument } from "../../digest.ts";
import type { Resolver } from "../../image/lock/ports.ts";
import type { Platform } from "../../config/image-keys.ts";
import { listInterpreters } from "./interpreters.ts";
import { normaliseRequirements } from "./requirement-lines.ts";
import type { PythonOptions } from "./options.ts";
import { resolvePins } from "./resolve-pins.ts";
import { readServerSource } from "./server-source.ts";
import { openUv } from "./uv.ts";
import { pinnedUv, uvWheels } from "./uv-wheels.ts";

/**
 * As uv names them. manylinux_2_28 is the oldest C library that the newest numpy, scipy and
 * onnxruntime still have wheels for; Debian 11 and later and RHEL 8 and later have it.
 */
const targets: Record<Platform, string> = {
  "linux/amd64": "x86_64-manylinux_2_28",
  "linux/arm64": "aarch64-manylinux_2_28",
};

export interface ResolverOptions extends PythonOptions {
  /** Holds requirements.txt and the package `mlship_server`. */
  serverFolder: string;
}

/** uv is looked up when it is first needed: telling whether a lock has drifted needs none. */
export function createResolver(options: ResolverOptions): Resolver {
  const { cacheFolder } = options;
  const uv = once(() => openUv(options));
  return {
    builder: {
      uv: {
        version: pinnedUv,
        sha256: {
          "linux/amd64": uvWheels.manylinux_2_17_x86_64,
          "linux/arm64": uvWheels.manylinux_2_17_aarch64,
        },
      },
    },
    async pythons() {
      return (await listInterpreters(await uv(), cacheFolder)).map(({ minor }) => minor);
    },
    async server() {
      const { files, requirements } = await readServerSource(options.serverFolder);
      const lines = normaliseRequirements(requirements);
      return { digest: digestDocument({ files: files.digest, requirements: lines }), requirements: lines };
    },
    async resolve({ requirements, python, platform, allowSource, preferred }) {
      return await resolvePins(
        await uv(),
        {
          requirements: normaliseRequirements(requirements),
          target: ["--python-version", python, "--python-platform", targets[platform]],
          about: `Python ${python} on ${platform}`,
          allowSource,
          preferred,
        },
        cacheFolder,
      );
    },
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
