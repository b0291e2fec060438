// The disk space that a model takes on a node.
import type { Served } from "../served.ts";

/** A small file takes a block of the file system, and so does its folder. */
const perFile = 8192;
const mebibyte = 1024 ** 2;

/** MiB that a fetched model needs, with 5 % to spare; 0 for one that is in an image. */
export function modelSpace({ model }: Served): number {
  if (model.kind !== "s3") return 0;
  const size = model.files.reduce((sum, file) => sum + file.size, 0);
  return Math.ceil((size * 1.05 + model.files.length * perFile) / mebibyte) + 1;
}
