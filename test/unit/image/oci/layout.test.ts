import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestBytes } from "../../../../src/digest.ts";
import { blobFile, checkBlob, readLayout } from "../../../../src/image/oci/layout.ts";
import { createLayout } from "../../../../src/image/oci/new-layout.ts";
import { diffIdOf, layoutWith } from "./layout-folder.ts";

const two = { "linux/amd64": { layers: ["base", "model"] }, "linux/arm64": { layers: ["arm", "model"] } };

describe("a layout", () => {
  it("of one platform is known by its manifest", async () => {
    const { folder, root } = await layoutWith({
      "linux/amd64": { layers: ["base", "model"], labels: { a: "b" } },
    });
    const layout = await readLayout(folder);
    expect(layout.root.digest).toBe(root.digest);
    const [image] = layout.images;
    expect(image?.platform).toBe("linux/amd64");
    expect(image?.manifest).toEqual(layout.root);
    expect(image?.labels).toEqual({ a: "b" });
    expect(image?.layers.map(({ digest, size }) => [digest, size])).toEqual([
      [digestBytes("base"), 4],
      [digestBytes("model"), 5],
    ]);
    expect(image?.diffIds).toEqual([diffIdOf("base"), diffIdOf("model")]);
  });

  it("of two platforms is known by its index", async () => {
    const { folder, root } = await layoutWith(two);
    const layout = await readLayout(folder);
    expect(layout.root.digest).toBe(root.digest);
    expect(layout.images.map(({ platform }) => platform)).toEqual(["linux/amd64", "linux/arm64"]);
  });

  it("passes over what is in its index and is no image", async () => {
    const { folder } = await layoutWith({
      "linux/amd64": { layers: ["a"] },
      ["plan9/mips" as "linux/arm64"]: { layers: [] },
    });
    const layout = await readLayout(folder);
    expect(layout.images.map(({ platform }) => platform)).toEqual(["linux/amd64"]);
  });

  it("is whole: a blob that is written is read with the same digest", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 5 }), async (parts) => {
        const { folder } = await layoutWith({ "linux/amd64": { layers: ["a"] } });
        const layout = await createLayout(folder);
        const { digest, size } = await layout.addBlob(parts);
        expect(readFileSync(blobFile(folder, digest))).toEqual(Buffer.concat(parts));
        expect(size).toBe(Buffer.concat(parts).length);
        await checkBlob(folder, digest);
      }),
      { numRuns: 20 },
    );
  });
});

describe("a damaged layout", () => {
  const damages: [string, (folder: string) => void, RegExp][] = [
    ["without oci-layout", (folder) => rmSync(path.join(folder, "oci-layout")), /oci-layout is missing/],
    [
      "with half an index",
      (folder) => writeFileSync(path.join(folder, "index.json"), "{"),
      /index\.json is not/,
    ],
    [
      "of a later version",
      (folder) => writeFileSync(path.join(folder, "oci-layout"), '{"imageLayoutVersion":"2.0.0"}'),
      /oci-layout is not/,
    ],
    [
      "with no image",
      (folder) => writeFileSync(path.join(folder, "index.json"), '{"manifests":[]}'),
      /0 images/,
    ],
    ["without a layer", (folder) => rmSync(blobFile(folder, digestBytes("model"))), /is missing/],
    [
      "with half a layer",
      (folder) => writeFileSync(blobFile(folder, digestBytes("model")), "mod"),
      /3 of 5 bytes/,
    ],
    [
      "whose index leads out of it",
      (folder) =>
        writeFileSync(
          path.join(folder, "index.json"),
          '{"manifests":[{"mediaType":"x","size":1,"digest":"sha256:../../../../etc/passwd"}]}',
        ),
      /no sha256 digest/,
    ],
  ];
  it.each(damages)("%s is refused", async (_name, damage, why) => {
    const { folder } = await layoutWith(two);
    damage(folder);
    await expect(readLayout(folder)).rejects.toMatchObject({
      code: "image.damaged",
      exit: "attention",
      why: expect.stringMatching(why),
    });
  });

  it("with any byte of its manifest changed is refused", async () => {
    const { folder, root } = await layoutWith({ "linux/amd64": { layers: ["a"] } });
    const file = blobFile(folder, root.digest);
    const bytes = readFileSync(file);
    for (let place = 0; place < bytes.length; place += 7) {
      const changed = Buffer.from(bytes);
      changed[place] = (changed[place] ?? 0) ^ 1;
      writeFileSync(file, changed);
      await expect(readLayout(folder)).rejects.toMatchObject({ code: "image.damaged" });
    }
  });

  it("with a changed layer is found when the layer is used", async () => {
    const { folder } = await layoutWith(two);
    writeFileSync(blobFile(folder, digestBytes("model")), "modem");
    await readLayout(folder);
    await expect(checkBlob(folder, digestBytes("model"))).rejects.toMatchObject({ code: "image.damaged" });
  });
});
