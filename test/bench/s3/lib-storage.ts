// One upload by @aws-sdk/lib-storage with its defaults: `node lib-storage.mjs ENDPOINT FILE`. Run by run.ts.
import { createReadStream } from "node:fs";
import { S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";

const [endpoint = "", source = ""] = process.argv.slice(2);
const client = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true });
const params = { Bucket: "bench", Key: "lib", Body: createReadStream(source) };
await new Upload({ client, params }).done();
process.exit(0);
