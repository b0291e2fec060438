// The strict fake as a process of its own, beside those that race. Started by races.ts: says its address, and at the end how much it was asked.
import { startFakeS3 } from "../../s3/fake/server.ts";

const fake = await startFakeS3();
let asked = 0;
// A million records of requests would not fit into memory.
const counting = setInterval(() => (asked += fake.requests.splice(0).length), 1000);
process.once("message", () => {
  clearInterval(counting);
  process.send?.({ asked: asked + fake.requests.length });
  process.disconnect();
  void fake.close();
});
process.send?.({ url: fake.url });
