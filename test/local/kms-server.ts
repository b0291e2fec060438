// A stand-in for KMS, which nobody can start here: it wraps keys for one key's id and checks what it is asked.
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface KmsServer {
  url: string;
  /** The actions that were asked for, in order. */
  asked: string[];
  /** Refuses everybody from now on. */
  refuse(): void;
  close(): void;
}

/** What the SDK sends, as far as mlship uses it: API version 2014-11-01, AWS JSON 1.1. */
interface Question {
  KeyId?: string;
  CiphertextBlob?: string;
  EncryptionContext?: Record<string, string>;
}

export async function startKms(alias: string, arn: string): Promise<KmsServer> {
  const master = randomBytes(32);
  const asked: string[] = [];
  let refuses = false;
  const answer = (action: string, question: Question): object => {
    if (refuses) throw new Error("AccessDeniedException");
    if (question.KeyId !== alias && question.KeyId !== arn) throw new Error("NotFoundException");
    const aad = Buffer.from(JSON.stringify(question.EncryptionContext ?? {}));
    if (action === "GenerateDataKey") {
      const plain = randomBytes(32);
      const nonce = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", master, nonce).setAAD(aad);
      const wrapped = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
      return {
        KeyId: arn,
        Plaintext: plain.toString("base64"),
        CiphertextBlob: wrapped.toString("base64"),
      };
    }
    const wrapped = Buffer.from(question.CiphertextBlob ?? "", "base64");
    const decipher = createDecipheriv("aes-256-gcm", master, wrapped.subarray(0, 12)).setAAD(aad);
    decipher.setAuthTag(wrapped.subarray(-16));
    try {
      const plain = Buffer.concat([decipher.update(wrapped.subarray(12, -16)), decipher.final()]);
      return { KeyId: arn, Plaintext: plain.toString("base64") };
    } catch {
      throw new Error("InvalidCiphertextException");
    }
  };
  const server: Server = createServer((request, response) => {
    void (async () => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const action = String(request.headers["x-amz-target"]).replace("TrentService.", "");
      asked.push(action);
      response.setHeader("content-type", "application/x-amz-json-1.1");
      try {
        const question = JSON.parse(Buffer.concat(parts).toString("utf8")) as Question;
        response.end(JSON.stringify(answer(action, question)));
      } catch (error) {
        const name = (error as Error).message;
        response.statusCode = 400;
        response.end(JSON.stringify({ __type: name, message: `said ${name}` }));
      }
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    refuse: () => (refuses = true),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
