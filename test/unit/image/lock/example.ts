// A lock to vary in tests, and arbitrary ones.
import * as fc from "fast-check";
import { platforms } from "../../../../src/config/image-keys.ts";
import { digestBytes } from "../../../../src/digest.ts";
import type { Lock } from "../../../../src/image/lock/lock.ts";

const hash = (text: string) => digestBytes(text).slice("sha256:".length);

export function exampleLock(): Lock {
  return {
    schema: "mlship.lock/v1",
    inputs: {
      model: digestBytes("model"),
      requirements: ["numpy", "scikit-learn==1.5.2"],
      python: "auto",
      base: "python:3.12-slim",
      platforms: ["linux/amd64", "linux/arm64"],
      allowSource: [],
      server: digestBytes("server"),
    },
    builder: { uv: { version: "0.13.8", sha256: { "linux/amd64": hash("uv") } } },
    python: "3.12",
    base: {
      reference: "docker.io/library/python:3.12-slim",
      digest: digestBytes("index"),
      platforms: {
        "linux/amd64": { manifest: digestBytes("amd64"), size: 50_000_000 },
        "linux/arm64": { manifest: digestBytes("arm64"), size: 51_000_000 },
      },
    },
    packages: {
      "linux/amd64": [
        { name: "numpy", version: "2.1.0", sha256: [hash("a"), hash("b")].sort() },
        { name: "scikit-learn", version: "1.5.2", sha256: [hash("c")] },
      ],
      "linux/arm64": [
        { name: "numpy", version: "2.1.0", sha256: [hash("d")] },
        { name: "scikit-learn", version: "1.5.2", sha256: [hash("e")] },
      ],
    },
  };
}

const digest = fc.string().map(digestBytes);
const pins = fc.uniqueArray(
  fc.record({
    name: fc.stringMatching(/^[a-z0-9]{1,8}(-[a-z0-9]{1,8})?$/),
    version: fc.stringMatching(/^[0-9]{1,3}(\.[0-9]{1,3}){0,2}((a|rc)[0-9])?$/),
    sha256: fc.uniqueArray(fc.string().map(hash), { minLength: 1, maxLength: 3 }).map((all) => all.sort()),
  }),
  { selector: ({ name }) => name, maxLength: 6 },
);

/** Locks as the schema allows them. */
export const anyLock: fc.Arbitrary<Lock> = fc
  .record({
    wanted: fc.subarray([...platforms], { minLength: 1 }),
    requirements: fc.uniqueArray(fc.string()),
    allowSource: fc.uniqueArray(fc.string()),
    model: digest,
    server: digest,
    index: digest,
    pins,
    size: fc.nat(),
  })
  .map(({ wanted, requirements, allowSource, model, server, index, pins: packages, size }) => ({
    ...exampleLock(),
    inputs: { ...exampleLock().inputs, model, server, requirements, allowSource, platforms: wanted },
    base: {
      reference: "docker.io/library/python:3.12-slim",
      digest: index,
      platforms: Object.fromEntries(wanted.map((platform) => [platform, { manifest: index, size }])),
    },
    packages: Object.fromEntries(wanted.map((platform) => [platform, packages])),
  }));
