// A build context as a tar archive: sorted, without times or owners, so that equal contexts are equal bytes.
import { createReadStream } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { pack, type Pack } from "tar-stream";

/** @param folder holds files and folders only. */
export function packContext(folder: string): Readable {
  const archive = pack();
  fill(archive, folder).catch((error: unknown) =>
    archive.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  return Readable.from(archive);
}

async function fill(archive: Pack, folder: string): Promise<void> {
  const names = (await readdir(folder, { recursive: true })).toSorted();
  for (const name of names) {
    const file = path.join(folder, name);
    const found = await lstat(file);
    const header = { name: name.split(path.sep).join("/"), mtime: new Date(0), uid: 0, gid: 0 };
    if (found.isDirectory()) archive.entry({ ...header, type: "directory", mode: 0o755 });
    else if (found.isFile()) {
      const entry = archive.entry({ ...header, mode: 0o444, size: found.size });
      await pipeline(createReadStream(file), entry);
    } else throw new Error(`the build context holds ${name}, which is neither file nor folder`);
  }
  archive.finalize();
}
