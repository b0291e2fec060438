import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestDocument } from "../../src/digest.ts";
import { createEnvironments, thisPlatform } from "../../src/tools/python/environments.ts";
import type { PythonLock } from "../../src/validation/ports.ts";

const serverFolder = join(import.meta.dirname, "python-server");
let scratch: string;
let cacheFolder: string;
let lock: PythonLock;
let onlyPython: Record<string, string | undefined>;

const inNew = (name: string): string => mkdtempSync(join(scratch, `${name}-`));

function environments(more: object = {}) {
  return createEnvironments({
    cacheFolder,
    lockFolder: join(scratch, "locks"),
    serverFolder,
    env: onlyPython,
    ...more,
  });
}

/** A folder for PATH that holds links to these programs only. */
function pathWith(programs: Record<string, string>): string {
  const folder = inNew("bin");
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(folder, name), script);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

const python = execFileSync("python3", ["-c", "import sys; print(sys.executable)"], {
  encoding: "utf8",
}).trim();
const pythonScript = `#!/bin/sh\nexec "${python}" "$@"\n`;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "mlship-python-"));
  cacheFolder = join(scratch, "cache");
  onlyPython = { ...process.env, PATH: pathWith({ python3: pythonScript }) };
  lock = await environments().lock(["cloudpickle"], "auto");
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("locking", () => {
  it("pins every distribution by hash and names no index", () => {
    expect(lock.requirements).toMatch(/^cloudpickle==\S+ \\\n {4}--hash=sha256:/);
    expect(lock.requirements).toMatch(/\nthreadpoolctl==/);
    expect(lock.requirements).not.toMatch(/index|http|#|\//);
    expect(lock.platform).toBe(thisPlatform);
    expect(lock.digest).toBe(digestDocument(lock));
    expect(lock.server.files.map((file) => file.path)).toEqual([
      "mlship_server/__init__.py",
      "mlship_server/__main__.py",
    ]);
  });

  it("keeps the same lock for the same inputs, without asking an index", async () => {
    const offline = { ...onlyPython, UV_OFFLINE: "1" };
    const again = await environments({ env: offline }).lock(
      ["cloudpickle  # comment", "", "cloudpickle"],
      "auto",
    );
    expect(again).toEqual(lock);
  });

  it("says which versions are there when the wanted one is not", async () => {
    await expect(environments().lock([], "3.99")).rejects.toMatchObject({
      code: "python.version-missing",
      exit: "unavailable",
      why: expect.stringContaining(lock.python),
    });
  });

  it("gives uv's reason when nothing satisfies the requirements", async () => {
    await expect(environments().lock(["threadpoolctl<3"], lock.python)).rejects.toMatchObject({
      code: "python.unsatisfiable",
      exit: "usage",
      why: expect.stringContaining("threadpoolctl"),
    });
  });

  it.each(["--index-url=http://user:secret@127.0.0.1", "a @ http://user:secret@127.0.0.1/a.whl"])(
    "refuses %s and does not repeat the password",
    async (line) => {
      const error: unknown = await environments()
        .lock([line], "auto")
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "python.bad-requirement", exit: "usage" });
      expect(JSON.stringify(error)).not.toContain("secret");
    },
  );

  it("says so when a line is not a requirement", async () => {
    await expect(environments().lock(["not a requirement!"], "auto")).rejects.toMatchObject({
      code: "python.bad-requirement",
    });
  });

  it("says so when the index cannot be reached", async () => {
    const env = { ...onlyPython, UV_DEFAULT_INDEX: "http://127.0.0.1:9/simple", UV_HTTP_RETRIES: "0" };
    const locking = environments({ env, lockFolder: inNew("locks") }).lock(["joblib"], "auto");
    await expect(locking).rejects.toMatchObject({ code: "python.index-unreachable", exit: "unavailable" });
  });
});

describe("preparing", () => {
  it("builds once, also when two builds run at once, and imports what was locked", async () => {
    const both = await Promise.all([environments().prepare(lock), environments().prepare(lock)]);
    expect(both[0]).toEqual(both[1]);
    const program = "import cloudpickle, threadpoolctl, mlship_server; print('imported')";
    expect(execFileSync(both[0].python, ["-c", program], { encoding: "utf8" })).toBe("imported\n");
    expect(readdirSync(join(cacheFolder, "envs"))).toEqual([lock.digest.slice(7)]);
  });

  it("finds what is there, and makes nothing", async () => {
    const made = await environments().prepare(lock);
    expect(await environments().find(["cloudpickle"], "auto")).toEqual(made);
    const elsewhere = { cacheFolder: inNew("cache") };
    expect(await environments(elsewhere).find(["cloudpickle"], "auto")).toBeNull();
    expect(await environments().find(["never-locked"], "auto")).toBeNull();
    expect(readdirSync(elsewhere.cacheFolder)).toEqual([]);
  });

  it("needs neither uv nor an index for an environment that is there", async () => {
    const offline = environments({ env: { PATH: inNew("empty") } });
    expect(await offline.prepare(await offline.lock(["cloudpickle"], "auto"))).toMatchObject({ lock });
  });

  it.each(["mlship-lock-digest", `lib/python3.x/site-packages/mlship_server/__main__.py`, "bin/python"])(
    "rebuilds an environment without its %s",
    async (path) => {
      const environment = await environments().prepare(lock);
      const folder = join(environment.python, "../..");
      const file = join(folder, path.replace("3.x", lock.python));
      rmSync(file);
      await environments().prepare(lock);
      expect(existsSync(file)).toBe(true);
    },
  );

  it("takes the server's files of an older release from its bytes, and checks them", async () => {
    const older = inNew("server");
    cpSync(serverFolder, older, { recursive: true });
    writeFileSync(join(older, "mlship_server", "__init__.py"), "age = 'older'\n");
    const olderLock = await environments({ serverFolder: older }).lock(["cloudpickle"], "auto");
    expect(olderLock.requirements).toBe(lock.requirements);

    const read = (path: string) => Promise.resolve(readFileSync(join(older, path)));
    await expect(environments().prepare(olderLock)).rejects.toMatchObject({ code: "python.server-changed" });
    const environment = await environments().prepare(olderLock, read);
    const program = "import mlship_server; print(mlship_server.age)";
    expect(execFileSync(environment.python, ["-c", program], { encoding: "utf8" })).toBe("older\n");
  });

  it("writes no file outside the environment, whatever a lock says", async () => {
    const [file] = lock.server.files;
    const content = {
      ...lock,
      server: { ...lock.server, files: [{ ...file!, path: "mlship_server/../../../evil.py" }] },
    };
    const evil = { ...content, digest: digestDocument(content) };
    const read = () => environments().serverFile("mlship_server/__init__.py");
    await expect(environments().prepare(evil, read)).rejects.toMatchObject({ code: "python.server-changed" });
  });

  it("refuses a lock that is not what its digest names, or of another platform", async () => {
    await expect(environments().prepare({ ...lock, python: "3.10" })).rejects.toMatchObject({
      code: "python.lock-changed",
    });
    const content = { ...lock, platform: "plan9_mips" };
    await expect(
      environments().prepare({ ...content, digest: digestDocument(content) }),
    ).rejects.toMatchObject({
      code: "python.other-platform",
    });
  });

  it("refuses other bytes than those that were locked", async () => {
    const requirements = lock.requirements.replaceAll(/sha256:[0-9a-f]{8}/g, "sha256:00000000");
    const content = { ...lock, requirements };
    const changed = { ...content, digest: digestDocument(content) };
    await expect(environments().prepare(changed)).rejects.toMatchObject({ code: "python.hash-mismatch" });
    expect(existsSync(join(cacheFolder, "envs", changed.digest.slice(7)))).toBe(false);
  });

  it("stops when it is aborted and leaves nothing behind", async () => {
    const content = { ...lock, requirements: `${lock.requirements}\n` };
    const controller = new AbortController();
    const building = environments({ signal: controller.signal });
    const before = readdirSync(join(cacheFolder, "envs"));
    setTimeout(() => controller.abort(new Error("stopped by the test")), 300);
    await expect(building.prepare({ ...content, digest: digestDocument(content) })).rejects.toThrow(
      "stopped by the test",
    );
    expect(readdirSync(join(cacheFolder, "envs"))).toEqual(before);
  });
});

describe("a machine with pyenv", () => {
  /** A stand-in for pyenv: one version is selected, of others there are shims. @param prefix what `pyenv prefix` does */
  function pyenv(prefix: string) {
    const root = inNew("pyenv");
    for (const folder of ["libexec", "shims", "selected/bin"])
      mkdirSync(join(root, folder), { recursive: true });
    const script = (file: string, text: string) => writeFileSync(join(root, file), text, { mode: 0o755 });
    script("libexec/pyenv", `#!/bin/sh\n[ "$1" = prefix ] && ${prefix}\nshift 2\nexec "${python}" "$@"\n`);
    script("selected/bin/python3", pythonScript);
    for (const name of ["python3", "python3.10", "python3.9"]) {
      const started = `echo ${name} >> "${root}/started"\n`;
      script(
        `shims/${name}`,
        `#!/bin/sh\n${started}program="\${0##*/}"\nexec "${root}/libexec/pyenv" exec "$program" "$@"\n`,
      );
    }
    const started = () => existsSync(join(root, "started"));
    return { env: { ...onlyPython, PATH: `${join(root, "shims")}:${onlyPython["PATH"]}` }, started };
  }

  it("asks it once for the selected version, and starts no shim", async () => {
    const { env, started } = pyenv(`echo "$(dirname "$0")/../selected" && exit`);
    const locked = await environments({ env, lockFolder: inNew("locks") }).lock(["cloudpickle"], "auto");
    expect(locked).toEqual(lock);
    expect(started()).toBe(false);
  });

  it("goes by the shims where it does not say", async () => {
    const { env, started } = pyenv("exit 1");
    const locked = await environments({ env, lockFolder: inNew("locks") }).lock(["cloudpickle"], "auto");
    expect(locked).toEqual(lock);
    expect(started()).toBe(true);
  });
});

describe("a machine without uv", () => {
  it("installs a pinned copy, also when two processes need it at once", async () => {
    const env = { ...onlyPython, UV_CACHE_DIR: join(cacheFolder, "uv") };
    const fresh = inNew("cache");
    const make = () =>
      environments({ env, cacheFolder: fresh, lockFolder: inNew("locks") }).lock(["cloudpickle"], "auto");
    const locks = await Promise.all([make(), make()]);
    expect(locks).toEqual([lock, lock]);
    expect(readdirSync(join(fresh, "tools"))).toEqual([expect.stringMatching(/^uv-\d/)]);
  });

  it("replaces a copy that is broken", async () => {
    const fresh = inNew("cache");
    const [name = ""] = readdirSync(join(cacheFolder, "tools"));
    mkdirSync(join(fresh, "tools", name, "bin"), { recursive: true });
    const env = onlyPython;
    expect(
      await environments({ env, cacheFolder: fresh, lockFolder: inNew("locks") }).lock(
        ["cloudpickle"],
        "auto",
      ),
    ).toEqual(lock);
  });

  it.each([
    ["python.missing", {}],
    ["python.missing", { python3: "#!/bin/sh\necho 3.8\n" }],
    ["python.missing", { python3: "#!/bin/sh\necho broken >&2\nexit 127\n" }],
    [
      "python.no-pip",
      {
        python3:
          '#!/bin/sh\n[ "$1" = -c ] && echo 3.11 && exit\necho "$0: No module named pip" >&2\nexit 1\n',
      },
    ],
  ])("ends in %s with %j on PATH", async (code, programs) => {
    const options = {
      env: { PATH: pathWith(programs) },
      cacheFolder: inNew("cache"),
      lockFolder: inNew("locks"),
    };
    await expect(environments(options).lock([], "auto")).rejects.toMatchObject({ code, exit: "unavailable" });
    expect(readdirSync(options.lockFolder)).toEqual([]);
  });

  it("says so when pip reaches no index", async () => {
    const env = {
      PATH: pathWith({ python3: pythonScript }),
      PIP_INDEX_URL: "http://127.0.0.1:9/simple",
      PIP_RETRIES: "0",
      PIP_CONFIG_FILE: "/dev/null",
    };
    const locking = environments({ env, cacheFolder: inNew("cache"), lockFolder: inNew("locks") }).lock(
      [],
      "auto",
    );
    await expect(locking).rejects.toMatchObject({ code: "python.index-unreachable", exit: "unavailable" });
  });
});
