// Asks a server in Google's dialect: the same signature with other names, and no x-amz- header.
import { createHash, createHmac } from "node:crypto";
import { send } from "./ask.ts";
import type { Answer, Place } from "./ask.ts";

/** Puts an object. @param headers that begin with `x-goog-`, in lower case. */
export function putAsGoogle(
  place: Place,
  key: string,
  body: Buffer,
  headers: Record<string, string>,
): Promise<Answer> {
  const at = new URL(place.url);
  const date = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const payload = createHash("sha256").update(body).digest("hex");
  const all: Record<string, string> = {
    host: at.host,
    "x-goog-content-sha256": payload,
    "x-goog-date": date,
    ...headers,
  };
  const names = Object.keys(all).sort();
  const lines = names.map((name) => `${name}:${all[name]}\n`).join("");
  const path = `/${place.bucket}/${key}`;
  const canonical = ["PUT", path, "", lines, names.join(";"), payload].join("\n");
  const scope = [date.slice(0, 8), "auto", "storage", "goog4_request"];
  const digest = createHash("sha256").update(canonical).digest("hex");
  let secret = Buffer.from("GOOG4testsecret");
  for (const part of [...scope, ["GOOG4-HMAC-SHA256", date, scope.join("/"), digest].join("\n")]) {
    secret = createHmac("sha256", secret).update(part).digest();
  }
  const credential = `Credential=test/${scope.join("/")}`;
  const authorization = `GOOG4-HMAC-SHA256 ${credential}, SignedHeaders=${names.join(";")}, Signature=${secret.toString("hex")}`;
  const length = { "content-length": String(body.length) };
  return send(place, "PUT", path, { ...all, ...length, authorization }, body);
}
