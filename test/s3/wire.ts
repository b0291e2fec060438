// A TCP proxy before a test's S3 server: counts what a client sends, and can damage a byte of it.
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";

export interface TestWire {
  /** Where clients go instead of to the server. */
  url: string;
  /** Bytes that clients have sent, headers among them. */
  sent: number;
  /** Turns one byte into another when so many have been sent; null: none. */
  damageAt: number | null;
  close(): Promise<void>;
}

/** @param server URL of a server that speaks HTTP on this machine */
export async function openWire(server: string): Promise<TestWire> {
  const { hostname, port } = new URL(server);
  const proxy = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    client.on("data", (chunk: Buffer) => {
      const at = wire.damageAt === null ? -1 : wire.damageAt - wire.sent;
      if (at >= 0 && at < chunk.length) {
        chunk[at] = (chunk[at] ?? 0) ^ 1;
        wire.damageAt = null;
      }
      wire.sent += chunk.length;
      if (!upstream.write(chunk)) client.pause();
    });
    upstream.on("drain", () => client.resume());
    upstream.pipe(client);
    client.on("end", () => upstream.end());
    for (const [side, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      side.on("error", () => other.destroy());
      side.on("close", () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  // A server that listens on an address has one.
  const { port: own } = proxy.address() as AddressInfo;
  const wire: TestWire = {
    url: `http://127.0.0.1:${own}`,
    sent: 0,
    damageAt: null,
    close: () => new Promise((resolve) => void proxy.close(() => resolve())),
  };
  return wire;
}
