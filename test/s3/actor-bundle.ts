// The actor as one file, as users have mlship: it starts in half the time.
import { join } from "node:path";
import { build } from "esbuild";

/** @param folder where the file is made. @returns its path */
export async function bundleActor(folder: string): Promise<string> {
  const outfile = join(folder, "actor.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, "actor.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    outfile,
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    logLevel: "warning",
  });
  return outfile;
}
