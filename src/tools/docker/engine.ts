// The Docker Engine as the place where a built image is tried out.
import { platforms } from "../../config/image-keys.ts";
import { MlshipError } from "../../errors.ts";
import { readLayout } from "../../image/oci/layout.ts";
import type { Engine } from "../../image/ports.ts";
import { asked, refused, type Connection } from "./client.ts";
import { ignoreGone, labels, startContainer } from "./container.ts";
import { packImage } from "./load-archive.ts";

/** Repository of the images that are tried out: its host is no host, so that nobody pushes them. */
const repository = "mlship.invalid/self-test";

/** @throws MlshipError `docker.platform`, exit 5, for an engine of a kind that no image is built for. */
export function createEngine(connection: Connection): Engine {
  const { docker, version, architecture, endpoint } = connection;
  const platform = platforms.find((known) => known === `linux/${architecture}`);
  if (platform === undefined) {
    throw new MlshipError({
      code: "docker.platform",
      what: `the Docker Engine runs ${architecture}, for which mlship builds no image`,
      fix: "use an engine for amd64 or arm64: set DOCKER_HOST",
      exit: "unavailable",
    });
  }
  const remove = async (image: string): Promise<void> => {
    await docker.getImage(image).remove({ force: true }).catch(ignoreGone);
  };
  return {
    name: `Docker Engine ${version}`,
    platform,
    async load(layoutFolder, wanted, { project, build }) {
      const found = (await readLayout(layoutFolder)).images.find((image) => image.platform === wanted);
      if (found === undefined) throw new Error(`the layout holds no image for ${wanted}`);
      const tag = `${repository}-${project}:${build}`;
      const archive = packImage(layoutFolder, found, tag);
      try {
        const answer = await docker.loadImage(archive, { quiet: true, abortSignal: connection.signal });
        await readAnswer(answer);
        return tag;
      } catch (cause) {
        connection.signal.throwIfAborted();
        throw refused("take the image in", cause, endpoint);
      } finally {
        archive.destroy();
      }
    },
    start: async (image, limits, owner) => await startContainer(connection, image, limits, owner),
    remove,
    async sweep(project, alive) {
      const filters = { label: [`${labels.project}=${project}`] };
      const isLeft = (build: string | undefined) => build === undefined || !alive.includes(build);
      const containers = docker.listContainers({ all: true, filters });
      for (const { Id, Labels } of await asked(connection, "list its containers", containers)) {
        if (isLeft(Labels[labels.build]))
          await docker.getContainer(Id).remove({ force: true, v: true }).catch(ignoreGone);
      }
      const networks = docker.listNetworks({ filters: JSON.stringify(filters) });
      for (const { Id, Labels } of await asked(connection, "list its networks", networks)) {
        if (isLeft(Labels?.[labels.build])) await docker.getNetwork(Id).remove().catch(ignoreGone);
      }
      const volumes = docker.listVolumes({ filters: JSON.stringify(filters) });
      for (const { Name, Labels } of (await asked(connection, "list its volumes", volumes)).Volumes ?? []) {
        if (isLeft(Labels?.[labels.build])) await docker.getVolume(Name).remove().catch(ignoreGone);
      }
      const images = docker.listImages({ filters: { reference: [`${repository}-${project}`] } });
      for (const { RepoTags } of await asked(connection, "list its images", images)) {
        for (const tag of RepoTags ?? []) if (isLeft(tag.split(":").at(-1))) await remove(tag);
      }
    },
  };
}

/** Reads the messages of an answer to its end. @throws Error with the words of one that is an error. */
async function readAnswer(answer: NodeJS.ReadableStream): Promise<void> {
  let text = "";
  for await (const chunk of answer) text += String(chunk);
  const error = /"error":\s*("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  if (error !== undefined) throw new Error(String(JSON.parse(error)));
}
