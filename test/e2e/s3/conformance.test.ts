// The same suite as for folders and the fake, on real S3 servers.
import { env } from "node:process";
import { describeStore } from "../../s3/conformance.ts";
import { openStore } from "../../s3/open-store.ts";
import { openBucket, removeBucket } from "../../s3/own-bucket.ts";

for (const server of ["MLSHIP_TEST_S3", "MLSHIP_TEST_S3_MINIO"]) {
  describeStore(server, async () => {
    const place = await openBucket(env[server]);
    return { open: () => openStore(place), close: () => removeBucket(place) };
  });
}
