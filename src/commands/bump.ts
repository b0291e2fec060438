// `--bump`: the version that a judged model is released as, and mlship.yaml brought up to it.
import { newestOf, proposeVersion, type Proposal } from "../artifacts/bump.ts";
import { fetchVersion } from "../artifacts/fetch.ts";
import { requireMeaning } from "../artifacts/meaning.ts";
import type { ObjectStore } from "../artifacts/ports.ts";
import type { BumpWish } from "../artifacts/semver.ts";
import { listVersions } from "../artifacts/versions.ts";
import { loadConfig } from "../config/load.ts";
import { withVersion } from "../config/version-text.ts";
import { MlshipError } from "../errors.ts";
import type { Host } from "./host.ts";
import type { Judgement } from "./judge.ts";
import type { Project } from "./project.ts";
import type { ProjectOptions } from "./result.ts";
import { notPlain, replaceVersion } from "./write-version.ts";

/** How the version came about, as documents tell it. */
export interface Bump extends Proposal {
  /** What mlship.yaml named. */
  from: string;
}

/** A judged model under the version that it is released as. */
export interface Named {
  project: Project;
  judgement: Judgement;
  /** Null where mlship.yaml decides. */
  bump: Bump | null;
}

/** The way from mlship.yaml's version to the one that is released. */
export interface Naming {
  /** Chooses the version, and says why. Writes nothing. @throws MlshipError `store.*` */
  name(project: Project, store: ObjectStore, judgement: Judgement): Promise<Named>;
  /**
   * Puts the chosen version into mlship.yaml, once its release is stored: a command that fails leaves
   * the file as it was, and what is released came from the commit that lineage names.
   * @throws MlshipError `version.unwritten`, exit 7
   */
  write(named: Named): Promise<void>;
}

/**
 * Looks before the long work whether mlship.yaml can be given a version.
 * @param wish undefined where `--bump` was not given: then the file decides, and stays as it is
 * @throws MlshipError `version.overridden`, `version.not-plain`, exit 2
 */
export async function openNaming(
  host: Host,
  selection: ProjectOptions,
  wish: BumpWish | undefined,
): Promise<Naming> {
  if (wish === undefined) {
    return {
      name: (project, _store, judgement) => Promise.resolve({ project, judgement, bump: null }),
      write: () => Promise.resolve(),
    };
  }
  const { file, text, origins } = await loadConfig({ cwd: host.cwd, env: host.env, ...selection });
  const origin = origins.get("version");
  if (origin?.kind !== "file") throw overridden(origin?.kind ?? "default");
  if (withVersion(text, "0.0.0") === null) throw notPlain();
  return {
    async name(project, store, judgement) {
      const bump = await propose(wish, project, store, judgement);
      for (const line of tell(bump)) host.progress.note(line);
      return { ...underVersion(bump.version, project, judgement), bump };
    },
    async write({ project, bump }) {
      if (bump === null || bump.version === bump.from) return;
      await replaceVersion(project, { file, text, version: bump.version });
      host.progress.note(`wrote version: ${bump.version} to mlship.yaml`);
    },
  };
}

async function propose(
  wish: BumpWish,
  { config }: Project,
  store: ObjectStore,
  { bundle, candidate }: Judgement,
): Promise<Bump> {
  const released = await listVersions(store, config.name);
  const newest = newestOf(released);
  const standing = {
    current: config.version,
    newest: newest === null ? null : await fetchVersion(store, config.name, newest),
    released,
    fits: await saysWhatChanged(store, bundle),
  };
  const asked = { bundle, environment: candidate.environment.lock.digest };
  return { from: config.version, ...proposeVersion(wish, standing, asked) };
}

async function saysWhatChanged(store: ObjectStore, bundle: Judgement["bundle"]): Promise<boolean> {
  try {
    await requireMeaning(store, bundle);
    return true;
  } catch (error) {
    if (error instanceof MlshipError && error.code === "version.meaning") return false;
    throw error;
  }
}

/** The same under another version. What was judged does not depend on it. */
function underVersion(version: string, project: Project, judgement: Judgement) {
  return {
    project: { ...project, config: { ...project.config, version } },
    judgement: { ...judgement, bundle: { ...judgement.bundle, version } },
  };
}

function tell({ kind, version, newest, why }: Bump): string[] {
  const reasons = why.map(({ weight, what }) => `${weight}: ${what}`);
  if (kind === "first") return [`version ${version}: the first release`];
  if (kind === "same") return [`nothing to release: ${version} is this very model`];
  const chosen = kind === "kept" ? "mlship.yaml names it, and it fits" : `after ${newest ?? "none"}`;
  return [`version ${version}: ${chosen}`, ...reasons];
}

function overridden(kind: string): MlshipError {
  const where: Record<string, string> = {
    flag: "--set version sets it",
    variable: "the variable MLSHIP_VERSION sets it",
    environment: "the environment that is used sets it",
  };
  return new MlshipError({
    code: "version.overridden",
    what: "--bump cannot raise a version that mlship.yaml does not decide",
    why: where[kind] ?? "mlship.yaml names none",
    fix: "leave --bump away, or let the key version of mlship.yaml decide",
    exit: "usage",
  });
}
