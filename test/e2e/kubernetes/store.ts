// The testbed's S3 server as pods reach it, with what goes wrong on the way.
import { execFileSync } from "node:child_process";
import { createServer, connect, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { digestBytes } from "../../../src/digest.ts";

const server = new URL(process.env["MLSHIP_TEST_S3"] ?? "http://127.0.0.1:7070");
const account = "test:testsecret";

/** Sends a signed request. @throws when the server does not answer 2xx */
export function s3(method: string, key: string, body: Uint8Array = Buffer.alloc(0)): void {
  const hash = `x-amz-content-sha256: ${digestBytes(body).slice("sha256:".length)}`;
  const args = ["-sS", "--fail", "-o", "/dev/null", "--aws-sigv4", "aws:amz:us-east-1:s3", "-u", account];
  const data = body.length === 0 ? [] : ["--data-binary", "@-"];
  execFileSync("curl", [...args, "-H", hash, "-X", method, ...data, new URL(key, server).href], {
    input: body,
  });
}

/** A way to the S3 server from inside a pod. */
export interface Way {
  endpoint: string;
  /** Connections that are still to be cut after some bytes of the answer. */
  cuts: number;
  /** Connections so far. */
  taken: number;
  close(): void;
}

/** Opens a way on this machine's own address: the server itself listens on loopback only. */
export async function openWay(): Promise<Way> {
  const address = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === "IPv4" && !one.internal && !one.address.startsWith("172."))?.address;
  if (address === undefined) throw new Error("this machine has no address that pods can reach");
  const listener: Server = createServer((client) => {
    way.taken += 1;
    const upstream = connect(Number(server.port), server.hostname);
    const both = [client, upstream];
    for (const socket of both) socket.on("error", () => both.forEach((one) => one.destroy()));
    client.pipe(upstream);
    if (way.cuts > 0) {
      way.cuts -= 1;
      upstream.once("data", (answer) => {
        client.write(answer.subarray(0, 20), () => both.forEach((one) => one.destroy()));
      });
    } else {
      upstream.pipe(client);
    }
  });
  await new Promise<void>((resolve) => listener.listen(0, address, resolve));
  const at = listener.address();
  if (at === null || typeof at === "string") throw new Error("no port");
  const way: Way = {
    endpoint: `http://${address}:${at.port}`,
    cuts: 0,
    taken: 0,
    close: () => void listener.close(),
  };
  return way;
}
