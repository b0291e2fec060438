// What only `mlship gc` may do in a bucket: see ages, remove, abandon.
import type { Sweeper } from "../../artifacts/ports.ts";
import type { Bucket } from "./bucket.ts";
import { listObjects, listUploads } from "./listing.ts";
import { readRefusal } from "./refusal.ts";
import { header } from "./wire.ts";

const held = /lock|retention|legal hold|WORM/i;

/**
 * In a bucket with versions a removed object is hidden, and goes when the bucket's lifecycle says so.
 * MinIO lists unfinished uploads under their whole key only, so none is found there; it forgets them
 * by itself after a day.
 */
export function createS3Sweeper(bucket: Bucket): Sweeper {
  return {
    async now() {
      const answer = await bucket.ask({ action: "s3:ListBucket", method: "HEAD", key: null });
      const date = Date.parse(header(answer, "date") ?? "");
      if (Number.isNaN(date)) throw bucket.badAnswer("s3:ListBucket", "it does not say what time it is");
      return new Date(date);
    },
    kept: (prefix) => listObjects(bucket, prefix, ""),
    unfinished: () => listUploads(bucket, ""),
    async remove(key) {
      const call = { action: "s3:DeleteObject", method: "DELETE", key } as const;
      const answer = await bucket.ask({ ...call, expect: [403, 404] });
      if (answer.status !== 403) return "removed";
      const refusal = readRefusal(answer);
      if (held.test(refusal.words)) return "locked";
      throw await bucket.failure(call, refusal);
    },
    async abandon({ key, id }) {
      if (key === null) return;
      await bucket.ask({
        action: "s3:AbortMultipartUpload",
        method: "DELETE",
        key,
        query: { uploadId: id },
        expect: [404],
      });
    },
  };
}
