// Addresses of buckets.
import { describe, expect, it } from "vitest";
import { parseLocation } from "../../../src/artifacts/location.ts";

describe("parseLocation", () => {
  it.each([
    ["s3://acme-models/fraud", { scheme: "s3", bucket: "acme-models", prefix: "fraud/" }],
    ["s3://acme-models/fraud/", { scheme: "s3", bucket: "acme-models", prefix: "fraud/" }],
    ["s3://acme-models", { scheme: "s3", bucket: "acme-models", prefix: "" }],
    ["s3://acme-models/", { scheme: "s3", bucket: "acme-models", prefix: "" }],
    ["gs://acme_models/a/b c", { scheme: "gs", bucket: "acme_models", prefix: "a/b c/" }],
  ])("reads %s", (url, parts) => {
    expect(parseLocation(url)).toEqual({ ...parts, shown: url.replace(/\/$/, "") });
  });

  it.each([
    "s3:///fraud",
    "s3://",
    "s3://a",
    "s3://key:secret@bucket/fraud",
    "s3://bucket//fraud",
    "s3://bucket/../fraud",
    "s3://bucket/./fraud",
    "s3://bucket/fraud?versionId=1",
    "s3://bucket/a%2fb",
    "s3://bucket/a\nb",
    "https://bucket/fraud",
    "s3:/bucket",
  ])("refuses %j, and does not repeat it: it may hold a secret", (url) => {
    const refused = expect.objectContaining({ code: "store.bad-address", exit: "usage" });
    expect(() => parseLocation(url)).toThrow(refused);
    expect(() => parseLocation(url)).toThrow(/^artifacts\.store does not name a place in a bucket$/);
  });
});
