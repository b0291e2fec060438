// `mlship generate`: the Dockerfile with its context and the Kubernetes objects, as files to read and to keep.
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { servingIn } from "../artifacts/channel.ts";
import type { Digest } from "../digest.ts";
import { MlshipError } from "../errors.ts";
import type { ContextFile } from "../image/plan/context.ts";
import { requirePass } from "./build/require-pass.ts";
import { planImage } from "./context.ts";
import { objectFiles } from "./generate/objects.ts";
import { apply, compare, refuseForeign, type Changes } from "./generate/written.ts";
import type { Host } from "./host.ts";
import { judge } from "./judge.ts";
import { demandLock, lockOf, requireLock } from "./open-lock.ts";
import { openProject, withStaging, type Project } from "./project.ts";
import type { ProjectOptions, Result } from "./result.ts";
import { inStep } from "./step.ts";

/** Where the files go, and whether they are written at all. */
export interface GenerateOptions {
  /** Folder, relative to the project's. */
  output: string;
  /** Compares only. */
  check: boolean;
  /** Reference of the image in the Kubernetes objects. */
  image: string | undefined;
}

/** `mlship.generate/v1` */
export interface GenerateDocument extends Changes {
  schema: "mlship.generate/v1";
  /** As the user wrote it. */
  folder: string;
  /** Nothing was written. */
  checked: boolean;
  /** Digest of the build plan. */
  plan: Digest;
  /** Reference of the image in the Kubernetes objects. */
  image: string;
  /** How many files there are. */
  files: number;
}

/** Git keeps everything but the model's own bytes. */
const ignored = "image/layers/model/\nmodel-image/app/\n";
const isKept = (file: string) => !/^(image\/layers\/model|model-image\/app)\//.test(file);

/** Writes what is not there or differs, or says what would be written. */
export async function generate(
  options: GenerateOptions,
  host: Host,
  selection: ProjectOptions,
): Promise<Result<GenerateDocument>> {
  const project = await openProject(host, selection);
  const { config } = project;
  const output = path.resolve(config.folder, options.output);
  const store = await host.store(config.artifacts);
  const production = () => servingIn(store, config.name, project.channel);
  return await withStaging(project, host, async (folder) => {
    const locking = options.check ? demandLock : requireLock;
    const judgement = await judge(project, host, folder, { store, production, reuse: true, locking });
    requirePass(judgement);
    const { candidate } = judgement;
    return await inStep(host, "generate", async () => {
      const { plan, files } = await planImage(project, host, judgement, lockOf(judgement));
      const model = candidate.model.files.filter((file) => file.path !== candidate.handler);
      const objects = await objectFiles(project, plan, model, output, options.image);
      const wanted: ContextFile[] = [
        { path: ".gitignore", text: ignored },
        ...files.map((file) => ({ ...file, path: `image/${file.path}` })),
        ...modelImage(
          project,
          model.map((file) => ({ path: file.path, from: path.join(candidate.folder, file.path) })),
        ),
        ...objects.files,
      ];
      await refuseForeign(output, "image", wanted);
      const changes = await compare(output, wanted, options.check ? isKept : () => true);
      if (!options.check) await apply(output, wanted, changes);
      const count = changes.added.length + changes.changed.length + changes.removed.length;
      const document = {
        schema: "mlship.generate/v1" as const,
        folder: options.output,
        checked: options.check,
        plan: plan.digest,
        image: objects.image,
        files: wanted.length,
        ...changes,
      };
      const exit = options.check && count > 0 ? ("usage" as const) : ("done" as const);
      return { result: { document, exit }, told: `${wanted.length} files, ${count} differ` };
    });
  });
}

/** The context of the image that a volume brings the model from; nothing for other ways of delivery. */
function modelImage({ config }: Project, model: readonly { path: string; from: string }[]): ContextFile[] {
  if (config.image.delivery !== "image-volume") return [];
  const text = `# check=error=true\n# The model of ${config.name} ${config.version} as an image that holds nothing else.\nFROM scratch\nCOPY --link app/model/ /app/model/\n`;
  return [
    { path: "model-image/Dockerfile", text },
    { path: "model-image/.dockerignore", text: "*\n!Dockerfile\n!app\n" },
    ...model.map((file) => ({ path: `model-image/app/model/${file.path}`, from: file.from })),
  ];
}

/** `mlship.eject/v1` */
export interface EjectDocument {
  schema: "mlship.eject/v1";
  /** Relative to the project's folder. */
  file: string;
}

/**
 * Writes the Dockerfile's template into the project, for people who want to own it.
 * @throws MlshipError `generate.exists`, exit 2, when there is one.
 */
export async function eject(host: Host, selection: ProjectOptions): Promise<Result<EjectDocument>> {
  const { config } = await openProject(host, selection);
  const file = "Dockerfile.eta";
  const text = await readFile(path.join(host.templates, "image", file), "utf8");
  await writeFile(path.join(config.folder, file), text, { flag: "wx" }).catch(
    (cause: NodeJS.ErrnoException) => {
      if (cause.code !== "EEXIST") throw cause;
      throw new MlshipError({
        code: "generate.exists",
        what: `there is a ${file} already`,
        fix: "move it away first; nothing was written",
        exit: "usage",
        cause,
      });
    },
  );
  return { document: { schema: "mlship.eject/v1", file }, exit: "done" };
}
