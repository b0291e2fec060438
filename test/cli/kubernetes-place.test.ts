// Which cluster is meant is shown, and asked about where it may be the wrong one.
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { Machine } from "./fake-host.ts";
import { documentOf } from "./fake-host.ts";
import { clusterMachine } from "./kubernetes.ts";
import { write } from "./project.ts";

/** A kubeconfig with a second context, and none chosen. */
function ambiguous(): Machine {
  const machine = clusterMachine();
  const [lab] = machine.kubeconfig.contexts;
  const other = { name: "other", server: "https://10.0.0.2:6443", namespace: "default" };
  machine.kubeconfig = { current: "lab", contexts: [...(lab ? [lab] : []), other] };
  return machine;
}

const verbs = [["deploy"], ["rollback"], ["promote"], ["abort"]];

test.each(verbs)("%s refuses a context that nobody chose, where nobody can be asked", async (verb) => {
  const machine = ambiguous();
  const yaml = readFileSync(path.join(machine.folder, "mlship.yaml"), "utf8");
  write(machine.folder, { "mlship.yaml": yaml.replace("  context: lab\n", "") });
  const before = machine.snapshot();
  const ran = await machine.run(verb, "--json");
  expect(ran.exit).toBe(2);
  expect(documentOf(ran)).toMatchObject({
    code: "place.unconfirmed",
    why: "there is no terminal to ask on; the kubeconfig has other contexts too (other), and deploy.context does not say which is meant",
    fix: expect.stringContaining("--yes") as string,
  });
  expect(machine.snapshot()).toMatchObject({ store: before.store, target: before.target });
});

test("--yes, or a yes on a terminal, lets it go on; a no does not", async () => {
  const argv = ["deploy", "--set", "deploy.namespace=fraud-prod"];
  const refused = clusterMachine();
  refused.answer = false;
  expect((await refused.run(...argv)).exit).toBe(2);
  expect(refused.questions).toEqual(["mlship deploy of fraud in context lab, namespace fraud-prod?"]);
  const asked = clusterMachine();
  asked.answer = true;
  expect((await asked.run(...argv)).exit).toBe(0);
  const told = clusterMachine();
  const ran = await told.run(...argv, "--yes");
  expect(ran.exit, ran.stderr).toBe(0);
  expect(told.questions).toEqual([]);
  expect(ran.stderr).toContain("context lab (https://10.0.0.1:6443), namespace fraud-prod");
});

test("looking asks nothing: status and a dry run", async () => {
  const machine = clusterMachine();
  for (const argv of [["status"], ["deploy", "--dry-run"]]) {
    const ran = await machine.run(...argv, "--set", "deploy.namespace=production");
    expect(ran.exit, ran.stderr).toBe(0);
  }
});
