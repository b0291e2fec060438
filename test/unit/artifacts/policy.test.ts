// What the printed IAM policies allow: each role its own, narrowed to the store.
import { describe, expect, it } from "vitest";
import { policyOf, storeRoles, type StoreRole } from "../../../src/artifacts/policy.ts";
import type { ArtifactSettings } from "../../../src/config/config.ts";
import { MlshipError } from "../../../src/errors.ts";
import { plainBucket } from "../../s3/plain-bucket.ts";

const settings: ArtifactSettings = {
  store: "s3://acme-models/teams/fraud",
  singleWriter: false,
  encryption: null,
  s3: plainBucket,
};

const actionsOf = (role: StoreRole, other: Partial<ArtifactSettings> = {}) =>
  policyOf(role, { ...settings, ...other })
    .Statement.flatMap(({ Action }) => Action)
    .toSorted();

describe("a policy", () => {
  it("lets readers and pods create nothing, and nobody but gc remove", () => {
    for (const role of storeRoles) {
      const actions = actionsOf(role);
      expect(actions.includes("s3:PutObject")).toBe(role === "writer" || role === "gc");
      expect(actions.some((action) => /Delete|Abort/.test(action))).toBe(role === "gc");
    }
    expect(actionsOf("pod")).toEqual(["s3:GetObject"]);
  });

  it("reaches no key outside the store's prefix, and pods only the blobs", () => {
    for (const role of storeRoles) {
      const [objects, ...others] = policyOf(role, settings).Statement;
      const inside = role === "pod" ? "teams/fraud/blobs/*" : "teams/fraud/*";
      expect(objects?.Resource).toEqual([`arn:aws:s3:::acme-models/${inside}`]);
      for (const { Resource } of others) expect(Resource).toEqual(["arn:aws:s3:::acme-models"]);
    }
    const lists = policyOf("reader", settings).Statement.filter(
      ({ Action }) => Action[0] === "s3:ListBucket",
    );
    expect(lists.map(({ Condition }) => Condition)).toEqual([
      { StringLike: { "s3:prefix": ["teams/fraud/*"] } },
      { Null: { "s3:prefix": "true" } },
    ]);
  });

  it("lists a whole bucket when that is the store", () => {
    const { Statement } = policyOf("reader", { ...settings, store: "s3://acme-models/" });
    expect(Statement).toMatchObject([
      { Resource: ["arn:aws:s3:::acme-models/*"] },
      { Action: ["s3:ListBucket"], Resource: ["arn:aws:s3:::acme-models"] },
    ]);
    expect(Statement[1]).not.toHaveProperty("Condition");
  });

  it("lets writers lock what they create, when objects are locked", () => {
    const s3 = { ...plainBucket, lock: { mode: "governance" as const, days: 30 } };
    expect(actionsOf("writer", { s3 })).toContain("s3:PutObjectRetention");
    expect(actionsOf("reader", { s3 })).not.toContain("s3:PutObjectRetention");
  });

  it.each([
    ["arn:aws:kms:eu-west-1:123456789012:key/abc", "arn:aws:kms:eu-west-1:123456789012:key/abc", undefined],
    ["abc", "arn:aws:kms:*:*:key/abc", undefined],
    ["alias/models", "arn:aws:kms:*:*:key/*", "alias/models"],
    ["arn:aws:kms:eu-west-1:123456789012:alias/models", "arn:aws:kms:*:*:key/*", "alias/models"],
  ])("names the KMS key %s", (kmsKey, resource, alias) => {
    const sides: Partial<ArtifactSettings>[] = [
      { s3: { ...plainBucket, encryption: "kms", kmsKey } },
      { encryption: { keyFile: null, kmsKey } },
    ];
    for (const side of sides) {
      const statement = policyOf("writer", { ...settings, ...side }).Statement.at(-1);
      expect(statement).toMatchObject({
        Action: ["kms:GenerateDataKey", "kms:Decrypt"],
        Resource: [resource],
      });
      const condition = alias && { "ForAnyValue:StringEquals": { "kms:ResourceAliases": alias } };
      expect(statement?.Condition).toEqual(condition);
      expect(actionsOf("reader", side)).not.toContain("kms:GenerateDataKey");
    }
  });

  it("names two keys by two statements, and one key once", () => {
    const s3 = { ...plainBucket, encryption: "kms" as const, kmsKey: "one" };
    const sids = (kmsKey: string) =>
      policyOf("reader", { ...settings, s3, encryption: { keyFile: null, kmsKey } })
        .Statement.map(({ Sid }) => Sid)
        .filter((sid) => sid.startsWith("Key"));
    expect(sids("two")).toEqual(["Key", "Key2"]);
    expect(sids("one")).toEqual(["Key"]);
  });

  it.each([
    ["cn-north-1", "arn:aws-cn:s3:::acme-models"],
    ["us-gov-west-1", "arn:aws-us-gov:s3:::acme-models"],
  ])("speaks of the part of AWS that %s is in", (region, arn) => {
    expect(
      policyOf("reader", { ...settings, s3: { ...plainBucket, region } }).Statement[1]?.Resource,
    ).toEqual([arn]);
  });

  it.each(["gs://acme-models/fraud", "/home/me/.mlship/store"])("is not there for %s", (store) => {
    expect(() => policyOf("writer", { ...settings, store })).toThrow(MlshipError);
  });
});
