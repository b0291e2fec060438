// `mlship keys`: a pair that only its owner can read, the public half of it, and every key that is refused.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import path from "node:path";
import { expect, test } from "vitest";
import { makeKeyPair } from "../../src/image/attestations/key.ts";
import { documentOf, Machine } from "./fake-host.ts";
import { configText, makeProject, write } from "./project.ts";

/** A project that signs with `file`. */
function project(file?: string): Machine {
  const folder = makeProject();
  const more = file === undefined ? "" : `image: { signingKey: ${JSON.stringify(file)} }\n`;
  write(folder, { "mlship.yaml": configText("1.0.0", more) });
  return new Machine(folder);
}

const file = (machine: Machine, name: string) => path.join(machine.folder, name);
const text = (machine: Machine, name: string) => readFileSync(file(machine, name), "utf8");

function place(machine: Machine, name: string, content = makeKeyPair(null).privateKey): void {
  writeFileSync(file(machine, name), content, { mode: 0o600 });
}

test("keys new makes a pair that its owner alone can read, and tells no secret", async () => {
  const machine = project();
  const ran = await machine.run("keys", "new");
  expect(ran).toMatchObject({ exit: 0, stderr: "" });
  expect(statSync(file(machine, "mlship.key")).mode & 0o777).toBe(0o600);
  const secret = text(machine, "mlship.key");
  expect(createPrivateKey(secret).asymmetricKeyDetails).toMatchObject({ namedCurve: "prime256v1" });
  for (const line of secret.split("\n").slice(1, -2)) expect(ran.stdout).not.toContain(line);
  expect(ran.stdout).toContain('image.signingKey: "mlship.key"');
  expect(ran.stdout).toContain("not encrypted");
  expect(readdirSync(machine.folder).toSorted()).toEqual([
    "mlship.key",
    "mlship.key.pub",
    "mlship.yaml",
    "model.json",
    "test_data.csv",
  ]);
});

test("a password encrypts the key, and opens it again", async () => {
  const machine = project("keys/team.key");
  machine.env = { MLSHIP_KEY_PASSWORD: "correct horse" };
  const made = await machine.run("keys", "new", "--output", "keys/team.key", "--json");
  expect(documentOf(made)).toMatchObject({ schema: "mlship.key/v1", encrypted: true, from: "keys/team.key" });
  expect(text(machine, "keys/team.key")).toContain("BEGIN ENCRYPTED PRIVATE KEY");
  expect(made.stdout).not.toContain("correct horse");
  const shown = await machine.run("keys", "show");
  expect(shown).toEqual({ exit: 0, stdout: text(machine, "keys/team.key.pub"), stderr: "" });
  machine.env = {};
  expect(documentOf(await machine.run("keys", "show", "--json"))).toMatchObject({
    code: "keys.locked",
    exit: 5,
  });
  machine.env = { MLSHIP_KEY_PASSWORD: "incorrect" };
  const wrong = await machine.run("keys", "show", "--json");
  expect(documentOf(wrong)).toMatchObject({ code: "keys.wrong-password", exit: 5 });
  expect(wrong.stdout + wrong.stderr).not.toContain('incorrect"');
});

test.each(["mlship.key", "mlship.key.pub"])("%s that is there is never overwritten", async (name) => {
  const machine = project();
  write(machine.folder, { [name]: "mine" });
  const before = machine.snapshot();
  expect(documentOf(await machine.run("keys", "new", "--json"))).toMatchObject({
    code: "keys.exists",
    exit: 2,
  });
  expect(machine.snapshot()).toEqual(before);
});

test("a link that leads nowhere is not followed either", async () => {
  const machine = project();
  symlinkSync("/nonexistent/elsewhere", file(machine, "mlship.key"));
  expect(documentOf(await machine.run("keys", "new", "--json"))).toMatchObject({ code: "keys.exists" });
});

test("keys show prints the public key for a pipe, and its fingerprint for a person", async () => {
  const machine = project("team.key");
  const pair = makeKeyPair(null);
  place(machine, "team.key", pair.privateKey);
  expect((await machine.run("keys", "show")).stdout).toBe(pair.publicKey);
  machine.isTerminal = true;
  machine.env = { NO_COLOR: "1" };
  expect((await machine.run("keys", "show")).stdout).toMatch(
    /fingerprint {2}sha256:[0-9a-f]{64}\nfrom +team.key\n/,
  );
});

test("the variable wins over the file, for CI", async () => {
  const machine = project("absent.key");
  const pair = makeKeyPair(null);
  machine.env = { MLSHIP_SIGNING_KEY: pair.privateKey };
  const shown = documentOf(await machine.run("keys", "show", "--json"));
  expect(shown).toMatchObject({ publicKey: pair.publicKey, from: "the variable MLSHIP_SIGNING_KEY" });
  expect(JSON.stringify(shown)).not.toContain("PRIVATE");
});

test.each([
  ["no key at all", undefined, () => {}, "keys.none", 2],
  ["a file that is not there", "absent.key", () => {}, "keys.missing", 5],
  [
    "a folder",
    "keys",
    (machine: Machine) => mkdirSync(file(machine, "keys"), { mode: 0o700 }),
    "keys.missing",
    5,
  ],
  [
    "a file that others can read",
    "team.key",
    (machine: Machine) => {
      place(machine, "team.key");
      chmodSync(file(machine, "team.key"), 0o644);
    },
    "keys.exposed",
    2,
  ],
  [
    "no key inside",
    "team.key",
    (machine: Machine) => place(machine, "team.key", "hello"),
    "keys.unreadable",
    2,
  ],
  [
    "an RSA key",
    "team.key",
    (machine: Machine) => {
      const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
      place(machine, "team.key", privateKey.export({ type: "pkcs8", format: "pem" }).toString());
    },
    "keys.other-curve",
    2,
  ],
  [
    "a key among the generated files",
    "deploy/team.key",
    (machine: Machine) => {
      mkdirSync(file(machine, "deploy"));
      place(machine, "deploy/team.key");
    },
    "keys.in-image",
    2,
  ],
] as const)("%s: one clear error", async (_name, key, prepare, code, exit) => {
  const machine = project(key);
  prepare(machine);
  const ran = await machine.run("keys", "show", "--json");
  expect(documentOf(ran)).toMatchObject({ code, exit });
  expect(documentOf(ran)["fix"]).toBeTypeOf("string");
});

test("a key in the model's folder would be shipped: neither made nor used there", async () => {
  const machine = project("model/team.key");
  mkdirSync(file(machine, "model"));
  place(machine, "model/team.key");
  symlinkSync("model", file(machine, "alias"));
  const inside = ["--set", "model.path=model"];
  expect(documentOf(await machine.run(...inside, "keys", "show", "--json"))).toMatchObject({
    code: "keys.in-image",
  });
  const made = await machine.run(...inside, "keys", "new", "--output", "alias/other.key", "--json");
  expect(documentOf(made)).toMatchObject({ code: "keys.in-image", exit: 2 });
  expect(existsSync(file(machine, "model/other.key"))).toBe(false);
});
