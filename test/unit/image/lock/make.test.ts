import { describe, expect, it } from "vitest";
import { digestBytes, type Digest } from "../../../../src/digest.ts";
import { MlshipError } from "../../../../src/errors.ts";
import { makeLock, nothingUpgraded, type LockRequest } from "../../../../src/image/lock/make.ts";
import { resolveBase } from "../../../../src/image/lock/base.ts";
import { parseReference } from "../../../../src/image/oci/reference.ts";
import type { Lock } from "../../../../src/image/lock/lock.ts";
import { fakeIndex, fakeResolver } from "../../../cli/fake-python.ts";
import { createMemoryRegistry, type MemoryRegistry } from "../oci/memory-registry.ts";

const oci = "application/vnd.oci.image";
const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));

/** Puts an image of one platform there. @returns the digest of its manifest */
function putImage(registry: MemoryRegistry, name: string, architecture: string, python?: string): Digest {
  const reference = parseReference(name);
  const env = python === undefined ? [] : [`PYTHON_VERSION=${python}.4`];
  const config = bytesOf({ os: "linux", architecture, config: { Env: ["PATH=/bin", ...env] } });
  const place = `${reference.registry}/${reference.repository}`;
  const blobs = registry.blobs.get(place) ?? new Map<Digest, Uint8Array>();
  registry.blobs.set(place, blobs.set(digestBytes(config), config));
  const layers = [{ size: 40 }, { size: 2 }].map((layer) => ({
    ...layer,
    digest: digestBytes(architecture),
  }));
  const manifest = { schemaVersion: 2, config: { digest: digestBytes(config) }, layers };
  return registry.put(reference, reference.tag ?? "latest", `${oci}.manifest.v1+json`, bytesOf(manifest))
    .digest;
}

/** Puts an index of both platforms and an attestation there. */
function putIndex(registry: MemoryRegistry, name: string, python?: string): Digest {
  const reference = parseReference(name);
  const manifests = ["amd64", "arm64"].map((architecture) => ({
    digest: putImage(registry, name, architecture, python),
    platform: { os: "linux", architecture },
  }));
  const attestation = { digest: digestBytes("x"), platform: { os: "unknown", architecture: "unknown" } };
  const index = { schemaVersion: 2, manifests: [attestation, ...manifests] };
  return registry.put(reference, reference.tag ?? "latest", `${oci}.index.v1+json`, bytesOf(index)).digest;
}

function world() {
  const registry = createMemoryRegistry();
  const index = fakeIndex();
  const acts: string[] = [];
  const faults = { isMissing: false, onAct: (act: string) => void acts.push(act) };
  const request = (
    previous: Lock | null,
    more: Partial<LockRequest["asked"]> = {},
    upgrade = {},
  ): LockRequest => ({
    asked: {
      model: digestBytes("model"),
      requirements: ["xgboost>=3"],
      python: "auto",
      base: null,
      platforms: ["linux/amd64"],
      allowSource: [],
      ...more,
    },
    previous,
    upgrade: { ...nothingUpgraded, ...upgrade },
    resolver: fakeResolver(faults, index, new AbortController().signal),
    registry: () => Promise.resolve(registry),
  });
  return { registry, index, acts, request };
}

const base = "python:3.12-slim";
const versions = (lock: Lock) =>
  lock.packages["linux/amd64"]?.map(({ name, version }) => `${name} ${version}`);

describe("the base", () => {
  it("of an index has its digest and the manifest and size of each platform", async () => {
    const { registry } = world();
    const digest = putIndex(registry, base, "3.12");
    const resolved = await resolveBase(base, ["linux/amd64", "linux/arm64"], "3.12", registry);
    expect(resolved).toMatchObject({
      reference: "docker.io/library/python:3.12-slim",
      digest,
      platforms: { "linux/amd64": { size: 42 }, "linux/arm64": { size: 42 } },
    });
    expect(resolved.platforms["linux/amd64"]?.manifest).not.toBe(resolved.platforms["linux/arm64"]?.manifest);
  });

  it("of a single manifest is for the platform in its configuration", async () => {
    const { registry } = world();
    const digest = putImage(registry, base, "arm64");
    expect(await resolveBase(base, ["linux/arm64"], "3.12", registry)).toMatchObject({
      digest,
      platforms: { "linux/arm64": { manifest: digest } },
    });
    await expect(resolveBase(base, ["linux/amd64"], "3.12", registry)).rejects.toMatchObject({
      code: "lock.base-platform",
      why: "it is there for linux/arm64",
    });
  });

  it("that names another Python is refused", async () => {
    const { registry } = world();
    putIndex(registry, base, "3.13");
    await expect(resolveBase(base, ["linux/amd64"], "3.12", registry)).rejects.toMatchObject({
      code: "lock.base-python",
      fix: expect.stringContaining('"3.13"'),
    });
  });

  it("that vanished is an error that says what to do", async () => {
    const { registry } = world();
    await expect(resolveBase(base, ["linux/amd64"], "3.12", registry)).rejects.toMatchObject({
      code: "lock.base-missing",
      exit: "usage",
      fix: expect.stringContaining("--upgrade base"),
    });
  });

  it("that is no image is refused", async () => {
    const { registry } = world();
    registry.put(parseReference(base), "3.12-slim", `${oci}.manifest.v1+json`, Buffer.from("{}"));
    await expect(resolveBase(base, ["linux/amd64"], "3.12", registry)).rejects.toMatchObject({
      code: "lock.base-unreadable",
    });
  });
});

describe("making a lock", () => {
  it("keeps the lock when nothing is asked anew, and asks neither index nor registry", async () => {
    const { registry, acts, request } = world();
    putIndex(registry, base);
    const made = await makeLock(request(null));
    acts.length = 0;
    expect(await makeLock(request(made))).toBe(made);
    expect(acts).toEqual([]);
  });

  it("keeps versions and base where only the requirements changed", async () => {
    const { registry, index, request } = world();
    putIndex(registry, base);
    const made = await makeLock(request(null));
    index.versions.get("numpy")?.push("2.9.9");
    putImage(registry, base, "amd64", "3.12");
    const again = await makeLock(request(made, { requirements: ["pandas", "xgboost>=3"] }));
    expect(again.base).toEqual(made.base);
    expect(versions(again)).toEqual(["numpy 2.2.1", "pandas 1.0", "uvicorn 0.54.0", "xgboost 3.1.0"]);
  });

  it("pins anew what --upgrade names, and nothing else", async () => {
    const { registry, index, request } = world();
    putIndex(registry, base);
    const made = await makeLock(request(null));
    for (const all of index.versions.values()) all.push("99.0");
    const newer = putIndex(registry, base, "3.12");
    const numpy = await makeLock(request(made, {}, { names: ["numpy"] }));
    expect(versions(numpy)).toEqual(["numpy 99.0", "uvicorn 0.54.0", "xgboost 3.1.0"]);
    expect(numpy.base).toEqual(made.base);
    const rebased = await makeLock(request(made, {}, { base: true }));
    expect(rebased.base.digest).toBe(newer);
    expect(rebased.packages).toEqual(made.packages);
    const all = await makeLock(request(made, {}, { all: true }));
    expect(versions(all)).toEqual(["numpy 99.0", "uvicorn 99.0", "xgboost 99.0"]);
    await expect(makeLock(request(made, {}, { names: ["nupmy"] }))).rejects.toMatchObject({
      code: "lock.unknown-package",
    });
  });

  it("stays on the same image when a platform is added, also when the tag moved on", async () => {
    const { registry, request } = world();
    const digest = putIndex(registry, base);
    const made = await makeLock(request(null));
    putIndex(registry, base, "3.12");
    const wider = await makeLock(request(made, { platforms: ["linux/amd64", "linux/arm64"] }));
    expect(wider.base.digest).toBe(digest);
    expect(Object.keys(wider.packages)).toEqual(["linux/amd64", "linux/arm64"]);
  });

  it("takes the first Python for which there are wheels, and the first error when there are none", async () => {
    const { registry, index, request } = world();
    putIndex(registry, "python:3.11-slim");
    const only311: LockRequest = {
      ...request(null),
      resolver: {
        ...request(null).resolver,
        resolve: async (question) => {
          if (question.python === "3.11") return await request(null).resolver.resolve(question);
          throw new MlshipError({
            code: "lock.no-wheel",
            what: `none for ${question.python}`,
            exit: "usage",
          });
        },
      },
    };
    expect((await makeLock(only311)).python).toBe("3.11");
    index.lacking.add("xgboost linux/amd64");
    await expect(makeLock(only311)).rejects.toMatchObject({ what: "none for 3.12" });
    putIndex(registry, base);
    const built = await makeLock(request(null, { allowSource: ["xgboost"] }));
    expect(built.packages["linux/amd64"]?.filter(({ source }) => source)).toMatchObject([
      { name: "xgboost" },
    ]);
  });
});
