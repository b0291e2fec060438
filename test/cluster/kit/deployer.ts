// A driver of its own process, to be killed: rolls version 1.1.0 of the kit's model out as `mlship deploy` does.
// Usage: node deployer.ts NAMESPACE NAME
import { Site } from "../kit.ts";
import { ship } from "./ship.ts";
import { openKitTarget, releaseOf } from "./target.ts";

const [namespace = "", name = ""] = process.argv.slice(2);
const release = releaseOf(new Site(namespace, name), { version: "1.1.0" });
const opened = await openKitTarget(new Site(namespace, name), [release]);
await ship(opened, release);
opened.cluster.close();
