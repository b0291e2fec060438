// `mlship diff`: what differs between two versions, a channel, and the project as it stands. Looks, and changes nothing.
import type { Level } from "../artifacts/semver.ts";
import { weightNeeded } from "../artifacts/meaning.ts";
import type { ObjectStore } from "../artifacts/ports.ts";
import type { ObjectChange } from "../cluster/object-changes.ts";
import type { Digest } from "../digest.ts";
import { changesOf } from "../image/lock/changes.ts";
import { pinChanges } from "../image/lock/pinned.ts";
import type { ModelFile } from "../model/model.ts";
import { signatureChanges, type SignatureChange } from "../model/signature-change.ts";
import { metricsBeside, type MetricsBeside } from "../validation/compare/beside.ts";
import { projectSide } from "./diff/here.ts";
import { servedChanges } from "./diff/served-changes.ts";
import { storedSide, type Side } from "./diff/side.ts";
import type { Host } from "./host.ts";
import { openProject, type Project } from "./project.ts";
import type { ProjectOptions, Result, ResultDocument } from "./result.ts";

/** What of two sides a document names. */
interface Told {
  asked: string;
  version: string;
  release: Digest | null;
}

/** A value of both sides. */
interface Both<T> {
  from: T;
  to: T;
}

/** Something that is pinned otherwise; null where it is new or gone. */
interface Pinned {
  subject: string;
  from: string | null;
  to: string | null;
}

/** mlship.diff/v1 */
export interface DiffDocument extends ResultDocument {
  schema: "mlship.diff/v1";
  name: string;
  store: string;
  from: Told;
  to: Told;
  /** Whether a release of both would be the same: model, signature and environment. */
  same: boolean;
  task: Both<string>;
  dataset: Both<{ digest: Digest; rows: number }>;
  metrics: MetricsBeside;
  /** `needs`: the least that a version number has to say of these changes. */
  signature: { changes: SignatureChange[]; needs: Level };
  model: Both<{ digest: Digest; size: number; format: string }> & {
    /** Files that are new, gone or other bytes, by path; sizes in bytes. */
    files: { path: string; from: number | null; to: number | null }[];
  };
  environment: Both<Digest> & {
    /** Base image, Python, and packages; null where one side's are not known. */
    changes: Pinned[] | null;
  };
  /** References by digest; null where none is known. */
  image: Both<string | null>;
  /** Kubernetes objects; null unless both sides are served on a cluster. */
  objects: ObjectChange[] | null;
  code: Both<Side["code"]> & {
    /** For git: `FROM..TO`; null where it is the same commit, or one is not known. */
    range: string | null;
    /** mlship's server, which is released with the model. */
    server: Both<Digest>;
  };
}

/** Which two are compared. */
export interface DiffOptions {
  /** A version, a channel, or `.`; by default what the project's channel serves. */
  from: string | undefined;
  /** By default the project as it stands. */
  to: string | undefined;
}

/** Compares two sides. The exit code is 0 whether they differ or not: the document says it. */
export async function diff(
  { from, to = "." }: DiffOptions,
  host: Host,
  selection: ProjectOptions,
): Promise<Result<DiffDocument>> {
  const project = await openProject(host, selection);
  const store = await host.store(project.config.artifacts);
  const open = (asked: string) => openSide(asked, project, host, store);
  const sides = [await open(from ?? project.channel), await open(to)] as const;
  return { document: compare(project.config.name, store.location, ...sides), exit: "done" };
}

async function openSide(asked: string, project: Project, host: Host, store: ObjectStore): Promise<Side> {
  return asked === "." ? await projectSide(project, host) : await storedSide(store, project, asked);
}

function compare(name: string, store: string, from: Side, to: Side): DiffDocument {
  const both = <T>(of: (side: Side) => T): Both<T> => ({ from: of(from), to: of(to) });
  const told = ({ asked, version, release }: Side): Told => ({ asked, version, release });
  const changes = signatureChanges(from.signature, to.signature);
  const environment = both((side) => side.environment.digest);
  const model = both(({ model: { digest, size, format } }) => ({ digest, size, format }));
  const isOneCommit = from.code?.commit === to.code?.commit;
  return {
    schema: "mlship.diff/v1",
    name,
    store,
    from: told(from),
    to: told(to),
    same:
      changes.length === 0 && model.from.digest === model.to.digest && environment.from === environment.to,
    task: both(({ report }) => report.task),
    dataset: both(({ report: { dataset } }) => ({ digest: dataset.digest, rows: dataset.rows })),
    metrics: metricsBeside(from.report, to.report),
    signature: { changes, needs: weightNeeded(changes) },
    model: { ...model, files: fileChanges(from.model.files, to.model.files) },
    environment: { ...environment, changes: environmentChanges(from.environment, to.environment) },
    image: both((side) => side.image),
    objects: from.served === null || to.served === null ? null : servedChanges(name, from.served, to.served),
    code: {
      ...both((side) => side.code),
      range:
        from.code === null || to.code === null || isOneCommit
          ? null
          : `${from.code.commit}..${to.code.commit}`,
      server: both((side) => side.environment.server),
    },
  };
}

function fileChanges(before: readonly ModelFile[], after: readonly ModelFile[]) {
  const [was, is] = [before, after].map((files) => new Map(files.map((file) => [file.path, file])));
  return [...new Set([...before, ...after].map((file) => file.path))].toSorted().flatMap((path) => {
    const [old, now] = [was?.get(path), is?.get(path)];
    return old?.sha256 === now?.sha256 ? [] : [{ path, from: old?.size ?? null, to: now?.size ?? null }];
  });
}

/** By both locks where there are two, since they name the base as well; else by what was installed. */
function environmentChanges(from: Side["environment"], to: Side["environment"]): Pinned[] | null {
  if (from.lock !== null && to.lock !== null) {
    // Model and server have sections of their own.
    return changesOf(from.lock, to.lock)
      .filter(({ subject, platforms }) => platforms !== null || !["model", "server"].includes(subject))
      .map(({ subject, from: was, to: is }) => ({ subject, from: was, to: is }));
  }
  const python = from.python === to.python ? [] : [{ subject: "python", from: from.python, to: to.python }];
  if (from.digest === to.digest) return python;
  if (from.requirements === null || to.requirements === null) return null;
  const pins = pinChanges(from.requirements, to.requirements);
  return [...python, ...pins.map(({ name, ...change }) => ({ subject: name, ...change }))];
}
