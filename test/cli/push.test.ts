// `mlship push` on a registry in memory: what it prints, what it refuses, and what a second run does.
import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { parseReference } from "../../src/image/oci/reference.ts";
import { keepBuilt } from "../unit/image/kept-image.ts";
import { documentOf, Machine } from "./fake-host.ts";
import { emptyFolder } from "./project.ts";

const repository = "ghcr.io/acme/fraud";

/** A machine with a project whose image was built. */
async function built(more: { image?: object; version?: string; layers?: string[] } = {}): Promise<Machine> {
  const machine = new Machine(emptyFolder());
  writeProject(machine, more.image ?? { repository });
  await build(machine, more.version ?? "1.0.0", more.layers ?? ["base", "model"]);
  return machine;
}

function writeProject(machine: Machine, image: object, version = "1.0.0"): void {
  writeFileSync(path.join(machine.folder, "rows.csv"), "a,target\n1,0\n");
  writeFileSync(path.join(machine.folder, "model.json"), "{}");
  const document = {
    name: "fraud",
    version,
    model: { path: "model.json" },
    validate: { data: "rows.csv" },
    image,
  };
  writeFileSync(path.join(machine.folder, "mlship.yaml"), JSON.stringify(document));
}

const build = (machine: Machine, version: string, layers: string[]) =>
  keepBuilt(path.join(machine.folder, ".mlship"), { name: "fraud", version }, layers);

describe("mlship push", () => {
  test("prints the image by its digest and nothing else on stdout", async () => {
    const machine = await built();
    const ran = await machine.run("push");
    expect(ran.exit).toBe(0);
    const stored = await machine.registry.manifest(parseReference(`${repository}:1.0.0`));
    expect(ran.stdout).toBe(`${repository}@${stored?.digest}\n`);
    expect(ran.stderr).toContain(`push ${repository}:1.0.0`);
    expect(ran.stderr).toMatch(/in 3 blobs, 0 were there; 1 statement/);
  });

  test("a second time says that all was there", async () => {
    const machine = await built();
    const first = await machine.run("push");
    const second = await machine.run("push");
    expect(second).toMatchObject({ exit: 0, stdout: first.stdout });
    expect(second.stderr).toContain("all was there");
  });

  test("--json is one document", async () => {
    const machine = await built();
    const document = documentOf(await machine.run("push", "--json"));
    expect(document).toMatchObject({
      schema: "mlship.push/v1",
      tag: "1.0.0",
      blobs: { sent: 3, present: 0 },
      attestations: { sent: 1, present: 0 },
    });
    expect(document["reference"]).toBe(`${repository}@${String(document["digest"])}`);
    const again = documentOf(await machine.run("push", "--json"));
    expect(again).toMatchObject({
      bytes: 0,
      blobs: { sent: 0, present: 3 },
      attestations: { sent: 0, present: 1 },
    });
  });

  test("needs a repository, and an image of this very version", async () => {
    const nowhere = await (await built({ image: {} })).run("push", "--json");
    expect([nowhere.exit, nowhere.stdout]).toEqual([2, expect.stringContaining("push.no-repository")]);
    const machine = new Machine(emptyFolder());
    writeProject(machine, { repository });
    const nothing = await machine.run("push", "--json");
    expect([nothing.exit, nothing.stdout]).toEqual([2, expect.stringContaining("push.no-image")]);
    const stale = await (await built({ version: "0.9.0" })).run("push", "--json");
    expect([stale.exit, stale.stdout]).toEqual([2, expect.stringContaining("push.stale")]);
  });

  test("refuses a version that is another image there, and says to raise it", async () => {
    const machine = await built();
    await machine.run("push");
    await build(machine, "1.0.0", ["base", "another model"]);
    const writes = machine.registry.writes.length;
    const ran = await machine.run("push");
    expect(ran.exit).toBe(2);
    expect(ran.stderr).toContain("raise `version`");
    expect(machine.registry.writes).toHaveLength(writes);
  });

  test.each(["image.json", "attestations/spdx.json", "layout/index.json"])(
    "sends nothing when %s was changed",
    async (name) => {
      const machine = await built();
      const images = path.join(machine.folder, ".mlship/images");
      const kept = path.join(images, readdirSync(images).find((found) => /^[0-9a-f]{16}$/.test(found)) ?? "");
      const changed =
        name === "image.json" ? await build(new Machine(emptyFolder()), "1.0.0", ["base", "x"]) : {};
      writeFileSync(path.join(kept, name), JSON.stringify(changed));
      const ran = await machine.run("push", "--json");
      expect(ran.exit).toBe(7);
      expect(ran.stdout).toContain("image.damaged");
      expect(machine.registry.writes).toEqual([]);
    },
  );

  test("interrupted at any write leaves no version that is not whole, and finishes when run again", async () => {
    const whole = await built();
    await whole.run("push");
    for (let at = 1; at <= whole.registry.writes.length; at += 1) {
      const machine = await built();
      machine.registry.kill = { at, when: at % 2 === 0 ? "before" : "after" };
      expect((await machine.run("push")).exit).not.toBe(0);
      machine.registry.kill = null;
      expect(await machine.run("push")).toMatchObject({ exit: 0 });
    }
  });
});
