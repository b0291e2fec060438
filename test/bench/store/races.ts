// Races 64 publishers and promoters: node test/bench/store/races.ts [ROUNDS] [URL]; without a URL on the strict fake.
import { objectsInFake, objectsOn } from "../../s3/all-objects.ts";
import { startFakeS3 } from "../../s3/fake/server.ts";
import { findDamage } from "../../s3/invariants.ts";
import { openStore } from "../../s3/open-store.ts";
import { openBucket, removeBucket } from "../../s3/own-bucket.ts";
import { race } from "../../s3/race.ts";

const [rounds = "1000", url] = process.argv.slice(2);
const fake = await startFakeS3();
const place = await openBucket(url ?? fake.url);
const started = performance.now();
const stores = await Promise.all(Array.from({ length: 64 }, () => openStore(place)));
const step = 1;
const wrong: string[] = [];
let done = 0;
while (done < Number(rounds)) {
  const now = Math.min(step, Number(rounds) - done);
  wrong.push(...(await race(stores, now, done)));
  done += now;
  console.log(`${done} rounds, ${wrong.length} wrong, ${Math.round((performance.now() - started) / 1000)} s`);
}
const objects = url === undefined ? objectsInFake(fake, place.bucket) : await objectsOn(place);
wrong.push(...findDamage(objects));
for (const what of wrong) console.log(what);
console.log(
  `${done} rounds, ${objects.size} objects, ${fake.requests.length} requests to the fake, ${wrong.length} wrong`,
);
await removeBucket(place);
await fake.close();
process.exitCode = wrong.length === 0 ? 0 : 1;
