import { rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { canonicalJson, digestBytes, type Digest } from "../../../../src/digest.ts";
import { blobFile, readLayout } from "../../../../src/image/oci/layout.ts";
import { mediaTypes } from "../../../../src/image/oci/manifest.ts";
import { pushImage, type PushOptions } from "../../../../src/image/oci/push.ts";
import type { Attachment } from "../../../../src/image/oci/push-referrers.ts";
import { parseReference } from "../../../../src/image/oci/reference.ts";
import { layoutWith, type ImageContent } from "./layout-folder.ts";
import { createMemoryRegistry, Killed, type MemoryRegistry } from "./memory-registry.ts";

const target = parseReference("ghcr.io/acme/fraud");
const labels = { "org.opencontainers.image.base.name": "ghcr.io/library/python:3.11-slim" };
const one = { "linux/amd64": { layers: ["base", "environment", "model"], labels } };
const two = { ...one, "linux/arm64": { layers: ["arm base", "arm environment", "model"], labels } };

async function optionsOf(
  images: Record<string, ImageContent>,
  attached: string[] = [],
): Promise<PushOptions> {
  const { folder } = await layoutWith(images);
  const layout = await readLayout(folder);
  const attachments = attached.map((text) => attachmentOf(layout.root.digest, text));
  const base = new Set([digestBytes("base"), digestBytes("arm base")]);
  return { layout, target, tag: "1.0.0", attachments, base, progress: { planned: () => {}, sent: () => {} } };
}

function attachmentOf(subject: Digest, text: string): Attachment {
  const blob = Buffer.from(text);
  const layer = { mediaType: "text/plain", digest: digestBytes(blob), size: blob.length };
  const bytes = Buffer.from(
    canonicalJson({
      schemaVersion: 2,
      artifactType: "text/plain",
      layers: [layer],
      subject: { digest: subject },
    }),
  );
  const manifest = { bytes, mediaType: mediaTypes.manifest, digest: digestBytes(bytes) };
  return {
    subject,
    manifest,
    blobs: [{ digest: digestBytes(blob), bytes: blob }],
    artifactType: "text/plain",
    annotations: { kind: text },
  };
}

const tagged = { ...target, tag: "1.0.0" };

describe("push", () => {
  it.each([
    ["one platform", one, 4],
    ["two platforms", two, 7],
  ])("puts an image for %s under its version and its digest", async (_name, images, count) => {
    const registry = createMemoryRegistry();
    const options = await optionsOf(images);
    const { root } = options.layout;
    const pushed = await pushImage(registry, options);
    expect(pushed).toMatchObject({ digest: root.digest, tag: "1.0.0", blobs: { sent: count, present: 0 } });
    expect((await registry.manifest(tagged))?.digest).toBe(root.digest);
    expect(registry.writes.at(-1)).toBe("manifest 1.0.0");
  });

  it("a second time sends nothing", async () => {
    const registry = createMemoryRegistry();
    const options = await optionsOf(two, ["sbom"]);
    await pushImage(registry, options);
    const before = [...registry.writes];
    expect(await pushImage(registry, options)).toMatchObject({
      blobs: { sent: 0, present: 7 },
      bytes: 0,
      attestations: { sent: 0, present: 1 },
    });
    expect(registry.writes).toEqual(before);
  });

  it("of the next version sends what changed", async () => {
    const registry = createMemoryRegistry();
    await pushImage(registry, await optionsOf(one));
    const next = await optionsOf({
      "linux/amd64": { layers: ["base", "environment", "another model"], labels },
    });
    let sent = 0;
    let planned: unknown = null;
    const progress = {
      planned: (...told: unknown[]) => (planned = told),
      sent: (bytes: number) => (sent += bytes),
    };
    const pushed = await pushImage(registry, { ...next, tag: "1.1.0", progress });
    expect(pushed.blobs).toEqual({ sent: 2, present: 2 });
    expect(sent).toBe(pushed.bytes);
    expect(planned).toEqual([{ blobs: 2, bytes: pushed.bytes }, 2]);
  });

  it("takes the base over from the repository that has it", async () => {
    const registry = createMemoryRegistry();
    registry.blobs.set("ghcr.io/library/python", new Map([[digestBytes("base"), Buffer.from("base")]]));
    const pushed = await pushImage(registry, await optionsOf(one));
    expect(pushed.blobs).toEqual({ sent: 3, present: 1 });
    expect(registry.writes).toContain(`mount ${digestBytes("base")}`);
  });

  it("refuses a version that is another image, and writes nothing", async () => {
    const registry = createMemoryRegistry();
    await pushImage(registry, await optionsOf(one));
    const before = [...registry.writes];
    await expect(pushImage(registry, await optionsOf(two))).rejects.toMatchObject({
      code: "push.tag-taken",
      exit: "usage",
    });
    expect(registry.writes).toEqual(before);
  });

  it("tells when the version became another image at the same time", async () => {
    const registry = createMemoryRegistry();
    const options = await optionsOf(one);
    const racing: MemoryRegistry = {
      ...registry,
      async pushManifest(reference, manifest, name) {
        const pushed = await registry.pushManifest(reference, manifest, name);
        if (name === "1.0.0") registry.put(target, "1.0.0", mediaTypes.manifest, Buffer.from("{}"));
        return pushed;
      },
    };
    await expect(pushImage(racing, options)).rejects.toMatchObject({
      code: "push.read-back",
      exit: "attention",
    });
  });

  it.each([
    ["damaged", (file: string) => writeFileSync(file, "modem")],
    ["gone", (file: string) => rmSync(file)],
  ])("sends no blob that is %s", async (_how, damage) => {
    const registry = createMemoryRegistry();
    const options = await optionsOf(one);
    damage(blobFile(options.layout.folder, digestBytes("model")));
    await expect(pushImage(registry, options)).rejects.toMatchObject({ code: "image.damaged" });
    expect(registry.writes.some((write) => write.startsWith("manifest"))).toBe(false);
  });
});

describe("statements about an image", () => {
  it.each([true, false])("are found by the image's digest (registry lists them: %s)", async (lists) => {
    const registry = createMemoryRegistry();
    registry.lists = lists;
    const options = await optionsOf(two, ["sbom", "provenance"]);
    const pushed = await pushImage(registry, options);
    expect(pushed.attestations).toEqual({ sent: 2, present: 0 });
    const found = await registry.referrers(target, options.layout.root.digest);
    expect(found.map(({ digest }) => digest)).toEqual(
      options.attachments.map(({ manifest }) => manifest.digest),
    );
    expect(registry.writes.some((write) => write.startsWith("manifest sha256-"))).toBe(!lists);
  });

  it("are added to those that are there", async () => {
    const registry = createMemoryRegistry();
    registry.lists = false;
    const options = await optionsOf(one, ["sbom"]);
    await pushImage(registry, options);
    const { digest } = options.layout.root;
    const more = [...options.attachments, attachmentOf(digest, "signature")];
    expect((await pushImage(registry, { ...options, attachments: more })).attestations).toEqual({
      sent: 1,
      present: 1,
    });
    expect(await registry.referrers(target, digest)).toHaveLength(2);
  });

  it("are not lost when another push writes the list at the same time", async () => {
    const registry = createMemoryRegistry();
    registry.lists = false;
    const options = await optionsOf(one, ["sbom"]);
    let others = 0;
    const racing: MemoryRegistry = {
      ...registry,
      async pushManifest(reference, manifest, name) {
        const pushed = await registry.pushManifest(reference, manifest, name);
        if (!name.startsWith("sha256-") || others === 2) return { ...pushed, listed: false };
        others += 1;
        const list = Buffer.from(canonicalJson({ manifests: [] }));
        registry.put(target, name, mediaTypes.index, list);
        return pushed;
      },
    };
    await pushImage(racing, options);
    expect(await registry.referrers(target, options.layout.root.digest)).toHaveLength(1);
  });
});

describe.each([true, false])("push, killed at any write (registry lists statements: %s)", (lists) => {
  it.each(["before", "after"] as const)(
    "%s it is done, shows no version that is not whole, and finishes when run again",
    async (when) => {
      const options = await optionsOf(two, ["sbom", "provenance"]);
      const whole = createMemoryRegistry();
      whole.lists = lists;
      await pushImage(whole, options);
      for (let at = 1; at <= whole.writes.length; at += 1) {
        const registry = createMemoryRegistry();
        registry.lists = lists;
        registry.kill = { at, when };
        await expect(pushImage(registry, options)).rejects.toThrow(Killed);
        const seen = await registry.manifest(tagged);
        expect([null, options.layout.root.digest]).toContain(seen?.digest ?? null);
        registry.kill = null;
        const pushed = await pushImage(registry, options);
        expect((await registry.manifest(tagged))?.digest).toBe(pushed.digest);
        expect(await registry.referrers(target, pushed.digest)).toHaveLength(2);
      }
    },
  );
});
