// The questions that the strict fake S3 server is held to, asked of real servers; where they differ is written down.
import { env } from "node:process";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Place } from "../../s3/ask.ts";
import { openBucket, removeBucket } from "../../s3/own-bucket.ts";
import { probes } from "../../s3/probes.ts";

/** Answers other than Amazon's documented ones, as measured. */
const deviations: Record<string, Record<string, string>> = {
  MLSHIP_TEST_S3: {
    // A checksum must be sent with every upload.
    "a cut upload without a checksum stores nothing": "200",
    // Keys become files and folders. No key of the store's layout is the beginning of another.
    "keys x and x/y live beside each other": "200 409 ObjectParentIsFile",
    // Whether the encryption was applied must be read from the answer.
    "the encryption that was asked for is told": "200 undefined",
  },
  MLSHIP_TEST_S3_MINIO: {
    "a wrong CRC-32 stores nothing": "400 XAmzContentChecksumMismatch, 404",
    "a wrong SHA-256 stores nothing": "400 XAmzContentChecksumMismatch, 404",
    "a multipart upload with a wrong checksum of the whole": "400 XAmzContentChecksumMismatch, 404",
    "a part with a wrong checksum": "400 XAmzContentChecksumMismatch",
    // Accepts it; nothing of ours rests on that.
    "a header of Amazon's that is not signed": "200",
    // Uploads must be looked for by the whole key.
    "an upload is found by the prefix of its key": "false",
  },
};

const servers = Object.keys(deviations);
const places = new Map<string, Place>();
const cases = servers.flatMap((server) =>
  Object.entries(probes).map(([name, probe]) => ({ server, name, probe })),
);

beforeAll(async () => {
  for (const server of servers) places.set(server, await openBucket(env[server]));
});

afterAll(async () => {
  for (const place of places.values()) await removeBucket(place);
});

test.each(cases)("$server: $name", async ({ server, name, probe }) => {
  const place = places.get(server)!;
  expect(await probe.run(place)).toBe(deviations[server]?.[name] ?? probe.expected);
});
