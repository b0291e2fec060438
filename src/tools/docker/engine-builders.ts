// Two builders on the Docker Engine's own BuildKit: through its API alone, and by buildx where the Engine's
// image store cannot write layouts. Both make the image in the Engine, save it and convert it.
import { mkdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { z } from "zod";
import { platforms, type Platform } from "../../config/image-keys.ts";
import { MlshipError } from "../../errors.ts";
import { mediaTypes } from "../../image/oci/manifest.ts";
import { createLayout } from "../../image/oci/new-layout.ts";
import { buildArguments } from "../../image/plan/plan.ts";
import type { Builder, BuildRequest, Descriptor } from "../../image/ports.ts";
import { buildFault } from "./build-faults.ts";
import { nameOf, runBuildx, type BuildxBuilder, type BuildxOptions } from "./buildx.ts";
import { isLost, notReached, refused, wordsOf, type Connection } from "./client.ts";
import { ignoreGone } from "./container.ts";
import { packContext } from "./context-archive.ts";
import { convertSaved } from "./saved-image.ts";
import { readStatus } from "./status-protobuf.ts";
import { StatusReader } from "./status.ts";

/** Builds for one platform in the Engine. @returns the image's name there. */
type BuildOne = (request: BuildRequest, platform: Platform, folder: string) => Promise<string>;

/** buildx with the Engine as its builder. */
export function createLoadingBuilder(
  found: BuildxBuilder,
  connection: Connection,
  options: BuildxOptions,
): Builder {
  const name = `${nameOf(found)}, Docker Engine ${connection.version}`;
  return convertingBuilder(name, connection, async (request, platform, folder) => {
    const file = path.join(folder, "image");
    await runBuildx(name, request, [`--platform=${platform}`, "--load", `--iidfile=${file}`], options);
    return (await readFile(file, "utf8")).trim();
  });
}

/** The Engine's API, where there is no buildx. */
export function createEngineBuilder(connection: Connection): Builder {
  const name = `Docker Engine ${connection.version}`;
  return convertingBuilder(name, connection, async (request, platform) => {
    if (request.secrets.length > 0) {
      throw new MlshipError({
        code: "build.needs-buildx",
        what: "a private package index needs docker buildx",
        why: "without it the Docker Engine cannot be given a secret that stays out of the image",
        fix: "install docker buildx (0.13 or newer), then run mlship build again",
        exit: "unavailable",
      });
    }
    return await buildByApi(name, connection, request, platform);
  });
}

function convertingBuilder(name: string, connection: Connection, buildOne: BuildOne): Builder {
  return {
    name,
    platforms,
    async build(request) {
      const { layoutFolder, plan } = request;
      const meanwhile = `${layoutFolder}.saved`;
      try {
        const layout = await createLayout(layoutFolder);
        const manifests: Descriptor[] = [];
        for (const [place, platform] of plan.platforms.entries()) {
          const folder = path.join(meanwhile, String(place));
          await mkdir(folder, { recursive: true });
          const image = await buildOne(request, platform, folder);
          try {
            const archive = await connection.docker.getImage(image).get();
            manifests.push(
              await convertSaved(stoppable(archive, connection.signal), path.join(folder, "files"), layout),
            );
          } catch (cause) {
            connection.signal.throwIfAborted();
            throw refused("save the image", cause, connection.endpoint);
          } finally {
            await connection.docker.getImage(image).remove({ force: true }).catch(ignoreGone);
          }
          await rm(folder, { recursive: true, force: true });
        }
        const [only] = manifests;
        const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests };
        const root =
          manifests.length === 1 && only !== undefined
            ? only
            : await layout.addDocument(JSON.stringify(index), mediaTypes.index);
        await layout.finish(root);
      } catch (error) {
        await rm(layoutFolder, { recursive: true, force: true });
        throw error;
      } finally {
        await rm(meanwhile, { recursive: true, force: true });
      }
    },
  };
}

/** The stream, which ends when the signal does. */
async function* stoppable(
  stream: NodeJS.ReadableStream,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array | string> {
  for await (const chunk of stream) {
    signal.throwIfAborted();
    yield chunk;
  }
}

const lineSchema = z.looseObject({
  id: z.string().optional(),
  aux: z.union([z.string(), z.looseObject({ ID: z.string().optional() })]).optional(),
  error: z.string().optional(),
  errorDetail: z.looseObject({ message: z.string().optional() }).optional(),
});

/**
 * Builds through the Engine's API. Closing the connection cancels the build.
 * No session is opened: the Engine reads a private base with what `docker pull` has brought already.
 */
async function buildByApi(
  builder: string,
  { docker, endpoint, signal }: Connection,
  { plan, contextFolder, noCache, onEvent }: BuildRequest,
  platform: Platform,
): Promise<string> {
  const status = new StatusReader(onEvent);
  const options = {
    version: "2",
    platform,
    nocache: noCache,
    rm: true,
    buildargs: JSON.stringify(buildArguments(plan)),
  };
  const context = packContext(contextFolder);
  let image: string | null = null;
  let words = "";
  try {
    const answer = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
      const call = {
        path: "/build?",
        method: "POST",
        file: context,
        options,
        abortSignal: signal,
        isStream: true,
        statusCodes: { 200: true, 400: "bad request", 500: "server error" },
      };
      docker.modem.dial(call, (error, stream) =>
        stream instanceof Readable ? resolve(stream) : reject(error),
      );
    });
    for await (const line of linesOf(answer)) {
      const { id, aux, error, errorDetail } = lineSchema.parse(JSON.parse(line));
      if (id === "moby.buildkit.trace" && typeof aux === "string")
        status.take(readStatus(Buffer.from(aux, "base64")));
      // The Engine answers 200 before it builds: a failure is one of the lines.
      if (error !== undefined || errorDetail !== undefined) words = errorDetail?.message ?? error ?? "failed";
      if (typeof aux === "object" && aux.ID !== undefined) image = aux.ID;
    }
  } catch (cause) {
    signal.throwIfAborted();
    if (isLost(cause) && status.failure === null) throw lost(builder, cause, notReached(cause, endpoint));
    words = wordsOf(cause);
  } finally {
    context.destroy();
  }
  if (words !== "" || image === null)
    throw buildFault({ builder, failure: status.failure, words: words || "unexpected EOF" });
  return image;
}

function lost(builder: string, cause: unknown, { what }: MlshipError): MlshipError {
  return buildFault({
    builder,
    failure: null,
    words: `Cannot connect to the Docker daemon: ${what}; ${wordsOf(cause)}`,
  });
}

async function* linesOf(stream: NodeJS.ReadableStream): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + String(chunk)).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) if (line.trim() !== "") yield line;
  }
  if (rest.trim() !== "") yield rest;
}
