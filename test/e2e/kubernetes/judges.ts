// Others who judge Kubernetes objects: how they are asked, and what they find.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What a judge says, and whether it is content. */
export async function judge(program: string, ...args: string[]): Promise<{ content: boolean; says: string }> {
  return await run(program, args, { maxBuffer: 1 << 26 }).then(
    ({ stdout }) => ({ content: true, says: stdout }),
    ({ stdout, stderr }: { stdout: string; stderr: string }) => ({ content: false, says: stdout + stderr }),
  );
}

/** What kube-score says of files with all its optional checks. */
export async function score(files: readonly string[]): Promise<{ content: boolean; says: string }> {
  const { stdout } = await run("kube-score", ["list"]);
  const optional = stdout.split("\n").filter((line) => line.endsWith(",optional"));
  if (optional.length < 5) throw new Error("kube-score has fewer optional checks than it had");
  const wanted = optional.flatMap((line) => ["--enable-optional-test", line.split(",")[0] ?? ""]);
  return await judge("kube-score", "score", ...wanted, "--exit-one-on-warning", "-o", "ci", ...files);
}

/** What Checkov finds in a folder: `CKV_K8S_38 Job.ml.fraud`, and how many checks passed. */
export async function checkov(folder: string): Promise<{ passed: number; failed: string[] }> {
  const args = ["--framework", "kubernetes", "--skip-download", "--compact", "-o", "json"];
  const { says } = await judge("checkov", "-d", folder, ...args);
  const { results, summary } = JSON.parse(says) as {
    results: { failed_checks: { check_id: string; resource: string }[] };
    summary: { passed: number };
  };
  const failed = results.failed_checks.map(({ check_id: check, resource }) => `${check} ${resource}`);
  return { passed: summary.passed, failed };
}
