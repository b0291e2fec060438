// A driver of its own process, to be killed: brings a canary to half of the traffic and keeps it there.
// Usage: node half.ts NAMESPACE NAME. Says `half` when it is so.
import { setTimeout as sleep } from "node:timers/promises";
import { Site } from "../kit.ts";
import { holderCalled, openKitTarget, releaseOf } from "./target.ts";

const [namespace = "", name = ""] = process.argv.slice(2);
const site = new Site(namespace, name);
const release = releaseOf(site, { version: "1.1.0" });
const { target } = await openKitTarget(site, [release]);
const { fleet, traffic, lock } = target;
const held = await lock.acquire(holderCalled("mlship deploy"));
await fleet.start(release.revision);
await fleet.ready(release.revision, 60_000);
await traffic.set(release.revision, 0.5);
process.stdout.write("half\n");
for (;;) {
  await sleep(1_000);
  await held.renew();
  await traffic.renew();
}
