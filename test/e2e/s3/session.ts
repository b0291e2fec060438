// Credentials that may do exactly what a policy says: a session of MinIO's security token service.
import { SignatureV4 } from "@smithy/signature-v4";
import type { IamPolicy } from "../../../src/artifacts/policy.ts";
import { Sha256 } from "../../s3/ask.ts";

/** Credentials as the environment names them. */
export type Session = Record<"AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" | "AWS_SESSION_TOKEN", string>;

/** Opens a session for an hour. @param server MinIO's address @throws when MinIO does not take the policy */
export async function openSession(server: string, policy: IamPolicy): Promise<Session> {
  const { hostname, port, host } = new URL(server);
  const signer = new SignatureV4({
    credentials: { accessKeyId: "test", secretAccessKey: "testsecret" },
    region: "us-east-1",
    service: "sts",
    sha256: Sha256,
  });
  const body = new URLSearchParams({
    Action: "AssumeRole",
    Version: "2011-06-15",
    DurationSeconds: "3600",
    Policy: JSON.stringify(policy),
  }).toString();
  const headers = { host, "content-type": "application/x-www-form-urlencoded" };
  const place = { method: "POST", protocol: "http:", hostname, port: Number(port), path: "/" };
  const signed = await signer.sign({ ...place, query: {}, headers, body });
  const answer = await fetch(server, { method: "POST", headers: signed.headers, body });
  const text = await answer.text();
  const named = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1];
  const [id, secret, token] = ["AccessKeyId", "SecretAccessKey", "SessionToken"].map(named);
  if (id === undefined || secret === undefined || token === undefined) throw new Error(text);
  return { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token };
}
