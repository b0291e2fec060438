// Bundles src/ into dist/: one entry for the command line, one for the gateway daemon.
import { rm } from "node:fs/promises";
import { build } from "esbuild";

/**
 * commander imports child_process for subcommands that are programs of their own; mlship has none, and
 * loading the module costs a third of `mlship --help`.
 */
const lazyChildProcess = {
  name: "lazy-child-process",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer, path }) =>
      importer.includes("/commander/") ? { path, namespace: "lazy" } : undefined,
    );
    onLoad({ filter: /.*/, namespace: "lazy" }, () => ({
      contents:
        'export default { spawn: (...words) => process.getBuiltinModule("node:child_process").spawn(...words) };',
    }));
  },
};

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
  // Names stay, so that stacks can be read.
  minifySyntax: true,
  minifyWhitespace: true,
  plugins: [lazyChildProcess],
  // Native code finds its files beside itself.
  external: ["@duckdb/node-api"],
  // Bundled CommonJS packages call require() for Node's own modules.
  banner: {
    js: 'import { createRequire as mlshipRequire } from "node:module"; const require = mlshipRequire(import.meta.url);',
  },
  legalComments: "linked",
  logLevel: "warning",
});
