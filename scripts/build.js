// Bundles src/ into dist/: one entry for the command line, one for the gateway daemon.
import { rm } from "node:fs/promises";
import { build } from "esbuild";

await rm("dist", { recursive: true, force: true });
await build({
  entryPoints: { main: "src/main.ts", gateway: "src/gateway.ts" },
  outdir: "dist",
  chunkNames: "chunks/[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node22.13",
  minifySyntax: true,
  // Native code finds its files beside itself.
  external: ["@duckdb/node-api"],
  // Bundled CommonJS packages call require() for Node's own modules.
  banner: {
    js: 'import { createRequire as mlshipRequire } from "node:module"; const require = mlshipRequire(import.meta.url);',
  },
  legalComments: "linked",
  logLevel: "warning",
});
