// Pinning distributions with the real uv and a real index, for platforms that are not this machine's.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { platforms, type Platform } from "../../src/config/image-keys.ts";
import { pinsText } from "../../src/image/lock/text.ts";
import type { PinRequest } from "../../src/image/lock/ports.ts";
import { createEnvironments, thisPlatform } from "../../src/tools/python/environments.ts";
import { createResolver } from "../../src/tools/python/resolver.ts";

let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "mlship-resolver-"));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const serverFolder = join(import.meta.dirname, "../../templates/server");
const options = (env: Record<string, string> = {}) => ({
  cacheFolder: join(scratch, "cache"),
  env: { ...process.env, ...env },
  serverFolder,
});

function resolve(requirements: string[], more: Partial<PinRequest> = {}, env: Record<string, string> = {}) {
  const request = { python: "3.12", platform: "linux/amd64" as Platform, allowSource: [], preferred: [] };
  return createResolver(options(env)).resolve({ ...request, requirements, ...more });
}

const names = (pins: readonly { name: string }[]) => pins.map(({ name }) => name);

describe.each([...platforms])("wheels for %s", (platform) => {
  it.each(["scikit-learn==1.5.2", "onnxruntime>=1.18,<2", "lightgbm>=4,<5"])(
    "there are of %s and of all that it needs",
    async (line) => {
      const pins = await resolve([line], { platform });
      expect(names(pins)).toEqual(expect.arrayContaining([/^[\w-]+/.exec(line)?.[0], "numpy"]));
      expect(names(pins)).toEqual(names(pins).toSorted());
      for (const { version, sha256, source } of pins) {
        expect(version).toMatch(/^\d/);
        expect(sha256.length).toBeGreaterThan(0);
        expect(source).toBeUndefined();
      }
      expect(await resolve([line], { platform })).toEqual(pins);
    },
  );

  it("follow the platform's markers: xgboost without its GPU libraries where there is such a wheel", async () => {
    const here = "sys_platform == 'linux' and platform_machine == 'x86_64'";
    const elsewhere = "sys_platform != 'linux' or platform_machine != 'x86_64'";
    const pins = await resolve([`xgboost-cpu>=3,<4; ${here}`, `xgboost==2.1.4; ${elsewhere}`], { platform });
    const amd64 = platform === "linux/amd64";
    expect(names(pins).includes("xgboost-cpu")).toBe(amd64);
    expect(names(pins).includes("xgboost")).toBe(!amd64);
  });
});

it("the files of one platform are not those of the other", async () => {
  const [amd64, arm64] = await Promise.all(
    platforms.map((platform) => resolve(["numpy==2.1.0"], { platform })),
  );
  expect(amd64?.[0]?.version).toBe(arm64?.[0]?.version);
  expect(amd64?.[0]?.sha256).not.toEqual(arm64?.[0]?.sha256);
});

it("preferred versions are kept where the requirements allow it", async () => {
  const preferred = [{ name: "numpy", version: "2.1.0" }];
  expect(await resolve(["numpy"], { preferred })).toMatchObject([{ version: "2.1.0" }]);
  const [newer] = await resolve(["numpy>2.1.0"], { preferred });
  expect(newer?.version).not.toBe("2.1.0");
});

describe("where there is no wheel", () => {
  it.each<[string, Platform, string]>([
    // The oldest release with wheels for Linux on x86-64 only.
    ["onnxruntime==1.4.0", "linux/arm64", "3.8"],
    ["scikit-learn==1.2.0", "linux/amd64", "3.12"],
    ["docopt==0.6.2", "linux/arm64", "3.12"],
  ])("of %s for %s, the error names both", async (line, platform, python) => {
    const name = line.split("==")[0] ?? "";
    await expect(resolve([line], { platform, python })).rejects.toMatchObject({
      code: "lock.no-wheel",
      exit: "usage",
      what: `${name} has no wheel that fits Python ${python} on ${platform}`,
      fix: expect.stringContaining("python.allowSource"),
    });
  });

  it("the source is pinned where that is allowed, and the environment is built from it", async () => {
    const [python = ""] = await createResolver(options()).pythons();
    const platform = thisPlatform === "linux_aarch64" ? "linux/arm64" : "linux/amd64";
    const asked = { allowSource: ["docopt", "cloudpickle"], platform, python } as const;
    const pins = await resolve(["docopt==0.6.2", "cloudpickle"], asked);
    expect(pins).toMatchObject([{ name: "cloudpickle" }, { name: "docopt", source: true }]);
    expect(pins[0]).not.toHaveProperty("source");
    const environments = createEnvironments({ ...options(), lockFolder: join(scratch, "locks") });
    const exact = { [platform]: pinsText(pins) };
    const lock = await environments.lock([], "auto", { decided: { python, exact, preferred: [] } });
    expect(lock.requirements).toBe(exact[platform]);
    const environment = await environments.prepare(lock);
    expect(
      execFileSync(environment.python, ["-c", "import docopt; print(docopt.__version__)"], {
        encoding: "utf8",
      }),
    ).toBe("0.6.2\n");
  });
});

it("conflicting requirements are told as what conflicts", async () => {
  await expect(resolve(["numpy<2", "numpy>=2"])).rejects.toMatchObject({
    code: "python.unsatisfiable",
    exit: "usage",
    why: expect.stringMatching(/numpy<2[^]*numpy>=2/),
  });
});

it("an index that cannot be reached is called by its variable, without address and password", async () => {
  const env = {
    UV_DEFAULT_INDEX: "http://ada:s3cret@127.0.0.1:9/t0ken/simple",
    UV_HTTP_RETRIES: "0",
    UV_CACHE_DIR: join(scratch, "empty"),
  };
  const error: unknown = await resolve(["numpy"], {}, env).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: "python.index-unreachable",
    why: expect.stringContaining("(UV_DEFAULT_INDEX)/numpy"),
  });
  expect(String((error as Error & { why: string }).why)).not.toMatch(/s3cret|t0ken/);
});

it("a private index serves what is locked, and the pins say nothing of it", async () => {
  const wheel = Buffer.from(execFileSync("python3", ["-c", wheelScript], { maxBuffer: 1 << 20 }));
  const sha256 = createHash("sha256").update(wheel).digest("hex");
  const asked: string[] = [];
  const file = "secretlib-1.0-py3-none-any.whl";
  const server = createServer((request, response) => {
    asked.push(request.headers.authorization ?? "none");
    if (request.headers.authorization !== `Basic ${Buffer.from("ada:s3cret").toString("base64")}`) {
      response.writeHead(401, { "www-authenticate": "Basic" }).end();
    } else if (request.url?.endsWith(".whl")) response.end(wheel);
    else if (request.url === "/simple/secretlib/") {
      response.setHeader("content-type", "text/html");
      response.end(`<a href="/files/${file}#sha256=${sha256}">${file}</a>`);
    } else response.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  try {
    await new Promise((done) => server.once("listening", done));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const env = {
      UV_DEFAULT_INDEX: `http://ada:s3cret@127.0.0.1:${port}/simple`,
      UV_CACHE_DIR: join(scratch, "private"),
    };
    const pins = await resolve(["secretlib"], {}, env);
    expect(pins).toEqual([{ name: "secretlib", version: "1.0", sha256: [sha256] }]);
    expect(asked.some((header) => header.startsWith("Basic"))).toBe(true);
    expect(pinsText(pins)).not.toMatch(/http|s3cret|127/);
  } finally {
    server.close();
  }
});

/** Prints a wheel with nothing but its metadata. */
const wheelScript = `
import io, sys, zipfile
out = io.BytesIO()
with zipfile.ZipFile(out, "w") as wheel:
    info = "secretlib-1.0.dist-info/"
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: secretlib\\nVersion: 1.0\\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(info + "RECORD", "")
sys.stdout.buffer.write(out.getvalue())
`;

it("nothing is left behind", () => {
  expect(readdirSync(join(scratch, "cache", "locking"))).toEqual([]);
});
