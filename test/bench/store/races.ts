// Races 64 publishers and promoters: node test/bench/store/races.ts [ROUNDS] [URL]; without a URL on the strict fake.
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { objectsOn } from "../../s3/all-objects.ts";
import { findDamage } from "../../s3/invariants.ts";
import { openStore } from "../../s3/open-store.ts";
import { openBucket, removeBucket } from "../../s3/own-bucket.ts";
import { race } from "../../s3/race.ts";

const [rounds = "1000", given] = process.argv.slice(2);
const fake = given === undefined ? fork(join(import.meta.dirname, "fake-process.ts")) : null;
/** What the fake says next. */
const heard = async () => (fake === null ? {} : ((await once(fake, "message"))[0] as Said));
interface Said {
  url?: string;
  asked?: number;
}

const place = await openBucket(given ?? (await heard()).url);
const started = performance.now();
const stores = await Promise.all(Array.from({ length: 64 }, () => openStore(place)));
const step = 10;
const wrong: string[] = [];
let done = 0;
while (done < Number(rounds)) {
  const now = Math.min(step, Number(rounds) - done);
  const found = await race(stores, now, done);
  for (const what of found) console.log(what);
  wrong.push(...found);
  done += now;
  console.log(`${done} rounds, ${wrong.length} wrong, ${Math.round((performance.now() - started) / 1000)} s`);
}
const objects = await objectsOn(place);
const damage = findDamage(objects);
for (const what of damage) console.log(what);
wrong.push(...damage);
console.log(`${done} rounds, ${objects.size} objects, ${wrong.length} wrong`);
await removeBucket(place);
if (fake !== null) {
  fake.send("end");
  console.log(`${(await heard()).asked} requests to the fake`);
}
process.exitCode = wrong.length === 0 ? 0 : 1;
