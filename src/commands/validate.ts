// `mlship validate`: model and labelled rows in, report out; exit 3 when a gate fails.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { readChannel, serving } from "../artifacts/channel.ts";
import { renderMarkdown } from "../validation/markdown.ts";
import type { Report } from "../validation/report.ts";
import type { Host } from "./host.ts";
import { judge } from "./judge.ts";
import { openProject, withStaging } from "./project.ts";
import type { ProjectOptions, Result } from "./result.ts";

/** Where the report goes besides the terminal. */
export interface ValidateOptions {
  /** File for the report as JSON. */
  output: string | undefined;
  /** File for the report as Markdown, for a pull request. */
  markdown: string | undefined;
}

/** How a verdict ends the process. */
export const exitOf = { pass: "done", fail: "gate", inconclusive: "inconclusive" } as const;

/** Judges the project's model. */
export async function validate(
  options: ValidateOptions,
  host: Host,
  selection: ProjectOptions,
): Promise<Result<Report>> {
  const project = await openProject(host, selection);
  const store = await host.store(project.config.artifacts.store);
  const production = serving(await readChannel(store, project.config.name, project.channel));
  const { report } = await withStaging(project, host, (folder) =>
    judge(project, host, folder, { store, production, reuse: false }),
  );
  const { output, markdown } = options;
  if (output) await writeFile(path.resolve(host.cwd, output), `${JSON.stringify(report, null, 2)}\n`);
  if (markdown)
    await writeFile(
      path.resolve(host.cwd, markdown),
      renderMarkdown(report, `${project.config.name} ${project.config.version}`),
    );
  return { document: report, exit: exitOf[report.verdict] };
}
