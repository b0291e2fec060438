// A driver in a process of its own, for tests that kill it: takes the lock, sets a share, renews both.
import { setTimeout as sleep } from "node:timers/promises";
import { deploy, holder } from "./harness.ts";

const [folder, port, version, share, leaseMs] = process.argv.slice(2);
const site = await deploy(Number(port), folder);
const target = site.driver({ leaseMs: Number(leaseMs) });
try {
  const held = await target.lock.acquire(holder("mlship deploy"));
  const canary = site.revision(version ?? "");
  await target.fleet.start(canary);
  await target.fleet.ready(canary, 20_000);
  await target.traffic.set(canary, Number(share));
  process.stdout.write(`driving ${held.epoch}\n`);
  for (;;) {
    await sleep(100);
    await target.traffic.renew();
    await held.renew();
  }
} catch (cause) {
  process.stdout.write(`failed ${(cause as { code?: string }).code}\n`);
}
