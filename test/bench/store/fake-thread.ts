// The strict fake on a thread of its own, beside those that race. Started by races.ts: says its address, and at the end how much it was asked.
import { parentPort } from "node:worker_threads";
import { startFakeS3 } from "../../s3/fake/server.ts";

const fake = await startFakeS3();
let asked = 0;
// A million records of requests would not fit into memory.
const counting = setInterval(() => (asked += fake.requests.splice(0).length), 1000);
parentPort?.once("message", () => {
  clearInterval(counting);
  parentPort?.postMessage({ asked: asked + fake.requests.length });
  void fake.close();
});
parentPort?.postMessage({ url: fake.url });
