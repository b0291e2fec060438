// `mlship validate`: model and labelled rows in, report out; exit 3 when a gate fails.
import { stat } from "node:fs/promises";
import path from "node:path";
import { servingIn } from "../artifacts/channel.ts";
import { loadConfig } from "../config/load.ts";
import { scanModel } from "../model/scan.ts";
import { renderAnnotations } from "../validation/annotations.ts";
import { renderHtml } from "../validation/html/page.ts";
import { renderJunit } from "../validation/junit.ts";
import { renderMarkdown } from "../validation/markdown.ts";
import type { Report } from "../validation/report.ts";
import { renderSarif } from "../validation/sarif.ts";
import { gatePlaces } from "./gate-places.ts";
import type { Host } from "./host.ts";
import { judge } from "./judge.ts";
import { openProject, type Project, withStaging } from "./project.ts";
import { openReportFiles } from "./report-files.ts";
import { toldOf } from "./told.ts";
import type { ProjectOptions, Result } from "./result.ts";
import { appendSummary } from "./step-summary.ts";

/** Where the report goes besides the terminal: files, by the flags that name them. */
export interface ValidateOptions {
  /** As JSON. */
  output: string | undefined;
  /** As a page to look at. */
  html: string | undefined;
  /** As Markdown, for a pull request. */
  markdown: string | undefined;
  /** As test results, for a CI system. */
  junit: string | undefined;
  /** What loading the model could do, for code scanning. */
  sarif: string | undefined;
}

/** How a verdict ends the process. */
export const exitOf = { pass: "done", fail: "gate", inconclusive: "inconclusive" } as const;

/** Judges the project's model. */
export async function validate(
  options: ValidateOptions,
  host: Host,
  selection: ProjectOptions,
): Promise<Result<Report>> {
  const files = await openReportFiles({ ...options }, host.cwd);
  const project = await openProject(host, selection);
  const { name, version } = project.config;
  // Before the model is judged: what is not safe to load never gets a report.
  if (options.sarif !== undefined) {
    const sarif = await scanAsSarif(project, host);
    await files.write("sarif", () => sarif);
  }
  const store = await host.store(project.config.artifacts);
  const production = () => servingIn(store, name, project.channel);
  const { report } = await withStaging(project, host, (folder) =>
    judge(project, host, folder, { store, production, reuse: false }),
  );
  const title = `${name} ${version}`;
  await files.write("output", () => `${JSON.stringify(report, null, 2)}\n`);
  await files.write("html", () => renderHtml(report, title));
  await files.write("markdown", () => renderMarkdown(report, title));
  await files.write("junit", () => renderJunit(report, title));
  await appendSummary(host, () => renderMarkdown(report, title));
  const annotations = host.env["GITHUB_ACTIONS"] === "true" ? await annotate(report, host, selection) : [];
  return { document: report, exit: exitOf[report.verdict], annotations };
}

async function scanAsSarif({ config: { model } }: Project, host: Host): Promise<string> {
  const scan = await scanModel(model.path, { ...toldOf(model), trust: model.trust });
  return renderSarif(scan, await sarifContext(model.path, host));
}

/** Where a model lies for whoever shows findings: paths are those of the repository. */
export async function sarifContext(model: string, host: Host) {
  const kind = await stat(model);
  const relative = path.relative(rootOf(host), model).split(path.sep).join("/");
  return { model: relative || ".", isFolder: kind.isDirectory(), version: host.version };
}

/** The folder that a CI system names files from. */
const rootOf = ({ env, cwd }: Host) => env["GITHUB_WORKSPACE"] || cwd;

async function annotate(report: Report, host: Host, selection: ProjectOptions): Promise<string[]> {
  const loaded = await loadConfig({ cwd: host.cwd, env: host.env, ...selection });
  return renderAnnotations(report, gatePlaces(loaded, rootOf(host)));
}
