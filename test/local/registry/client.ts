// The registry client as tests use it: no pauses, small pieces, credentials of a folder of their own.
import { Readable } from "node:stream";
import { digestBytes } from "../../../src/digest.ts";
import type { Registry, UploadBlob } from "../../../src/image/ports.ts";
import { parseReference, type Reference } from "../../../src/image/oci/reference.ts";
import { createRegistry, type RegistryOptions } from "../../../src/tools/registry/registry.ts";

export interface Client {
  registry: Registry;
  /** Milliseconds of each pause that it would have made. */
  waited: number[];
}

/** @param home folder with `.docker/config.json`, when there are credentials */
export function openClient(home: string, more: Partial<RegistryOptions> = {}): Client {
  const waited: number[] = [];
  const registry = createRegistry({
    env: { PATH: process.env["PATH"] },
    home,
    signal: new AbortController().signal,
    version: "0.1.0",
    sleep: (ms) => {
      waited.push(ms);
      return Promise.resolve();
    },
    now: () => Date.parse("2026-01-01T00:00:00Z"),
    pauses: [1, 2, 3],
    pieces: { whole: 8, piece: 16 },
    ...more,
  });
  return { registry, waited };
}

export function referenceAt(host: string, tag = "1.0.0"): Reference {
  return parseReference(`${host}/acme/fraud:${tag}`);
}

/** A blob on the way, with how often it was opened and from where. */
export function blobOf(content: Uint8Array | string, size = 0): UploadBlob & { opened: number[] } {
  const bytes = Buffer.from(content);
  const opened: number[] = [];
  return {
    digest: digestBytes(bytes),
    size: size || bytes.length,
    opened,
    open: (from) => {
      opened.push(from);
      return Readable.from([bytes.subarray(from)]);
    },
  };
}
