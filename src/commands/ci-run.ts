// The page of the CI run that a command works in.
import type { Host } from "./host.ts";

/**
 * Address of the run, for whoever meets its lock; null outside CI. GitHub Actions names its parts,
 * GitLab, Jenkins, CircleCI and Buildkite the whole.
 */
export function ciRunOf(env: Host["env"]): string | null {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = env;
  const github = server && repository && run ? `${server}/${repository}/actions/runs/${run}` : undefined;
  const { CI_JOB_URL, BUILD_URL, CIRCLE_BUILD_URL, BUILDKITE_BUILD_URL } = env;
  const address = github ?? CI_JOB_URL ?? BUILD_URL ?? CIRCLE_BUILD_URL ?? BUILDKITE_BUILD_URL ?? "";
  if (address.length > 300 || !URL.canParse(address)) return null;
  const { protocol, username, password, href } = new URL(address);
  // A name and password in an address are nobody else's business.
  return /^https?:$/.test(protocol) && username === "" && password === "" ? href : null;
}
