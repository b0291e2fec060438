// Bundles src/ into dist/: one entry for the command line, one for the gateway daemon.
import { rm } from "node:fs/promises";
import { build } from "esbuild";

/**
 * What commander imports and mlship does not use costs half of `mlship --help`: child_process, for
 * subcommands that are programs of their own, and node:process, whose import opens all three streams.
 */
const light = {
  "node:child_process":
    'export default { spawn: (...words) => process.getBuiltinModule("node:child_process").spawn(...words) };',
  "node:process": "export default process;",
};
const lightCommander = {
  name: "light-commander",
  setup(builder) {
    builder.onResolve({ filter: /^node:(child_process|process)$/ }, ({ importer, path }) =>
      importer.includes("/commander/") ? { path, namespace: "light" } : undefined,
    );
    builder.onLoad({ filter: /.*/, namespace: "light" }, ({ path }) => ({ contents: light[path] }));
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
  plugins: [lightCommander],
  // Native code finds its files beside itself.
  external: ["@duckdb/node-api"],
  // Bundled CommonJS packages call require() for Node's own modules.
  banner: {
    js: 'import { createRequire as mlshipRequire } from "node:module"; const require = mlshipRequire(import.meta.url);',
  },
  legalComments: "linked",
  logLevel: "warning",
});
