// A store with a past, on the fake S3 server, and copies of it to do harm to.
import { promote, model, publishVersion } from "./actions.ts";
import { objectsInFake } from "./all-objects.ts";
import type { Place } from "./ask.ts";
import type { FakeS3 } from "./fake/server.ts";
import { findDamage, findLosses } from "./invariants.ts";
import { openStore } from "./open-store.ts";

export interface World {
  /** Another bucket with the same in it, and another name each time. */
  copy(): Place;
  /** What is damaged in a copy, and what was lost since it was made. */
  harmIn(copy: Place): string[];
}

const threeDays = 3 * 24 * 3600_000;

/** 1.0.0 and 2.0.0 are there, and 2.0.0 serves after 1.0.0; of 9.9.9 all but its version: garbage of three days. */
export async function beginWorld(fake: FakeS3): Promise<World> {
  const origin = fake.addBucket("world");
  const store = await openStore({ url: fake.url, bucket: "world" });
  for (const version of ["1.0.0", "2.0.0"]) {
    await publishVersion(store, version);
    await promote(store, version);
  }
  await publishVersion(store, "9.9.9");
  origin.objects.delete(`team/models/${model}/versions/9.9.9.json`);
  const at = new Date(Date.now() - threeDays);
  for (const [key, object] of origin.objects) origin.objects.set(key, { ...object, at });
  const before = objectsInFake(fake, "world");
  let copies = 0;
  return {
    copy() {
      copies += 1;
      const bucket = `copy-${copies}`;
      fake.addBucket(bucket, { objects: new Map(origin.objects) });
      return { url: fake.url, bucket };
    },
    harmIn({ bucket }) {
      const after = objectsInFake(fake, bucket);
      return [...findDamage(after), ...findLosses(before, after)];
    },
  };
}
