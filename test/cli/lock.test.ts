// `mlship lock`: what is pinned, kept, pinned anew, refused; and what validate makes of the lock.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { digestBytes } from "../../src/digest.ts";
import { parseReference } from "../../src/image/oci/reference.ts";
import { documentOf, Machine } from "./fake-host.ts";
import { boosters, boosterText, configText, features, makeProject, write } from "./project.ts";

let machine: Machine;
const lockText = () => readFileSync(path.join(machine.folder, "mlship.lock"), "utf8");

/** Puts an image of Python there, as a registry has it. */
function putBase(tag = "3.12-slim", more = ""): void {
  const reference = parseReference(`python:${tag}`);
  const config = Buffer.from(JSON.stringify({ os: "linux", architecture: "amd64", config: {}, more }));
  machine.registry.blobs.set("docker.io/library/python", new Map([[digestBytes(config), config]]));
  const manifest = { config: { digest: digestBytes(config) }, layers: [{ size: 42 }] };
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  machine.registry.put(reference, tag, mediaType, Buffer.from(JSON.stringify(manifest)));
}

beforeEach(() => {
  machine = new Machine(makeProject());
  putBase();
});

describe("lock", () => {
  it("makes the lock, says what to do with it, and changes nothing the second time", async () => {
    const first = await machine.run("lock");
    expect(first).toMatchObject({ exit: 0, stdout: expect.stringContaining("wrote mlship.lock") });
    expect(first.stdout).toContain("commit it");
    const text = lockText();
    const second = await machine.run("lock", "--json");
    expect(documentOf(second)).toMatchObject({
      schema: "mlship.lock-change/v1",
      state: "unchanged",
      changes: [],
      packages: { "linux/amd64": 3 },
    });
    expect(lockText()).toBe(text);
    expect(readdirSync(machine.folder).filter((name) => name.includes("lock"))).toEqual(["mlship.lock"]);
  });

  it("says what changed", async () => {
    await machine.run("lock");
    machine.index.versions.get("numpy")?.push("2.3.0");
    putBase("3.12-slim", "newer");
    expect((await machine.run("lock", "--upgrade", "numpy,base")).stdout).toMatch(
      /^wrote mlship.lock\n- base sha256:[0-9a-f]{12}… → sha256:[0-9a-f]{12}…\n- numpy 2.2.1 → 2.3.0\n$/,
    );
    expect((await machine.run("lock", "--upgrade")).stdout).toBe("mlship.lock: nothing changed\n");
    machine.index.versions.get("numpy")?.push("2.4.0");
    machine.index.versions.get("uvicorn")?.push("0.55.0");
    const both = await machine.run("lock", "--upgrade", "numpy", "--upgrade", "uvicorn", "--json");
    expect(documentOf(both)["changes"]).toMatchObject([
      { subject: "numpy", from: "2.3.0", to: "2.4.0" },
      { subject: "uvicorn", from: "0.54.0", to: "0.55.0" },
    ]);
  });

  it("--check finds drift, names all of it, and writes nothing", async () => {
    expect(await machine.run("lock", "--check")).toMatchObject({
      exit: 2,
      stdout: expect.stringContaining("there is no mlship.lock"),
    });
    expect(existsSync(path.join(machine.folder, "mlship.lock"))).toBe(false);
    await machine.run("lock");
    expect(await machine.run("lock", "--check")).toMatchObject({ exit: 0 });
    const text = lockText();
    write(machine.folder, {
      "model.json": boosterText({ features, weights: boosters.other }),
      "requirements.txt": "numpy<3\n",
      "mlship.yaml": configText("1.0.0", "python: { requirements: requirements.txt }\n"),
    });
    machine.index.server = "second";
    const checked = await machine.run("lock", "--check", "--json");
    expect(checked.exit).toBe(2);
    expect(documentOf(checked)).toMatchObject({
      state: "drifted",
      drift: [
        expect.stringContaining("the model"),
        "the requirement numpy<3 is new",
        "mlship's server is another version",
      ],
    });
    expect(lockText()).toBe(text);
    expect(await machine.run("lock", "--check", "--upgrade")).toMatchObject({ exit: 2 });
    expect((await machine.run("lock")).exit).toBe(0);
    expect((await machine.run("lock", "--check")).exit).toBe(0);
  });

  it("locks what fetching the model from S3 needs, and takes another delivery for drift", async () => {
    await machine.run("lock");
    expect(lockText()).not.toContain("obstore");
    machine.index.versions.set("obstore", ["0.12.1"]);
    const s3 = ["--set", "image.delivery=s3", "--set", "artifacts.store=s3://acme/models"];
    expect(documentOf(await machine.run("lock", "--check", "--json", ...s3))["drift"]).toEqual([
      "the requirement obstore>=0.11,<0.13 is new",
    ]);
    expect((await machine.run("lock", ...s3)).exit).toBe(0);
    expect(lockText()).toContain("obstore");
  });

  it("refuses lines of requirements.txt by their numbers and repeats no password", async () => {
    write(machine.folder, {
      "requirements.txt":
        "numpy\n--index-url https://ada:s3cret@pkgs.example\nx @ https://ada:s3cret@h/x.whl\n",
      "mlship.yaml": configText("1.0.0", "python: { requirements: requirements.txt }\n"),
    });
    const refused = await machine.run("lock");
    expect(refused).toMatchObject({ exit: 2, stdout: "" });
    expect(refused.stderr).toContain("requirements.txt:2");
    expect(refused.stderr).toContain("requirements.txt:3");
    expect(refused.stderr).not.toContain("s3cret");
  });

  it("leaves no lock when a wheel is missing, the base vanished, or Ctrl-C came", async () => {
    machine.index.lacking.add("xgboost linux/amd64");
    write(machine.folder, {
      "mlship.yaml": configText("1.0.0", "python: { requirements: requirements.txt }\n"),
      "requirements.txt": "xgboost\n",
    });
    expect(await machine.run("lock")).toMatchObject({ exit: 2, stderr: expect.stringContaining("no wheel") });
    machine.index.lacking.clear();
    machine.registry.manifests.clear();
    expect(await machine.run("lock")).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining("there is no image docker.io/library/python:3.12-slim"),
    });
    putBase();
    machine.onStep = (title) => {
      if (title === "lock") machine.interrupt();
    };
    expect(await machine.run("lock")).toMatchObject({ exit: 130 });
    expect(readdirSync(machine.folder).filter((name) => name.includes("lock"))).toEqual([]);
  });

  it("refuses a conflict, and replaces it when everything is pinned anew", async () => {
    await machine.run("lock");
    const text = lockText();
    write(machine.folder, { "mlship.lock": `<<<<<<< HEAD\n${text}=======\n${text}>>>>>>> theirs\n` });
    for (const verb of ["lock", "validate"])
      expect(await machine.run(verb)).toMatchObject({
        exit: 2,
        stderr: expect.stringContaining("merge conflict"),
      });
    expect(await machine.run("lock", "--upgrade")).toMatchObject({ exit: 0 });
    expect(lockText()).toBe(text);
  });

  it("two at once leave one whole lock", async () => {
    const both = await Promise.all([machine.beside("lock"), machine.beside("lock")]);
    expect(both.map(({ exit }) => exit)).toEqual([0, 0]);
    expect((await machine.run("lock", "--check")).exit).toBe(0);
  });
});

describe("validate", () => {
  it("scores in the lock's environment, with the lock's Python", async () => {
    machine.index.pythons = ["3.11"];
    putBase("3.11-slim");
    await machine.run("lock");
    const locked = await machine.run("validate", "--json");
    expect(locked).toMatchObject({ exit: 0, stderr: expect.stringContaining("Python 3.11, 3 packages") });
    expect(locked.stderr).not.toContain("out of date");
    rmSync(path.join(machine.folder, "mlship.lock"));
    const free = await machine.run("validate", "--json");
    expect(free.stderr).toContain("Python 3.12");
    expect(documentOf(free)["digest"]).not.toBe(documentOf(locked)["digest"]);
  });

  it("goes on without a lock that has drifted, and says so", async () => {
    await machine.run("lock");
    machine.index.server = "second";
    const validated = await machine.run("validate");
    expect(validated.exit).toBe(0);
    expect(validated.stderr).toContain(
      "mlship.lock is out of date (mlship's server is another version): run mlship lock",
    );
  });
});
