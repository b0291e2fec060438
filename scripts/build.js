// Bundles src/ into dist/: one entry for the command line, one for the gateway daemon, one for the leash of kubectl.
import { rm } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { build } from "esbuild";

/**
 * Importing one of Node's own modules as an ES module reads each of its exports, getters included: fs
 * then loads its streams, util its text decoder, process opens stdin, stdout and stderr. That is half
 * of what `mlship --help` costs. Here each export is a pure call of its own, and those that nobody
 * imports fall away.
 */
const builtinsByExport = {
  name: "builtins-by-export",
  setup(builder) {
    builder.onResolve({ filter: /^(node:)?[a-z_]+(\/[a-z]+)?$/ }, ({ path, importer, kind }) => {
      if (kind === "require-call" || !isBuiltin(path)) return undefined;
      // commander starts subcommands that are programs of their own; mlship has none.
      const onUse = path === "node:child_process" && importer.includes("/commander/");
      // One copy per importer: shared, each would be a file of its own to load.
      return {
        path: `${path}?${importer}`,
        pluginData: path,
        namespace: onUse ? "builtin-on-use" : "builtin",
        sideEffects: false,
      };
    });
    builder.onLoad({ filter: /.*/, namespace: "builtin" }, ({ pluginData: path }) => {
      const names = Object.keys(process.getBuiltinModule(path)).filter(
        (name) => /^[a-z]\w*$/i.test(name) && name !== "default",
      );
      const exported = names.map((name) => `export { own_${name} as ${name} };`);
      const made = names.map((name) => `const own_${name} = /* @__PURE__ */ of(${JSON.stringify(name)});`);
      return {
        contents: `const whole = /* @__PURE__ */ process.getBuiltinModule(${JSON.stringify(path)});
          const of = (name) => whole[name];
          export default whole;
          ${made.join("\n")}
          ${exported.join("\n")}`,
      };
    });
    builder.onLoad({ filter: /.*/, namespace: "builtin-on-use" }, ({ pluginData: path }) => ({
      contents: `export default { spawn: (...words) => process.getBuiltinModule(${JSON.stringify(path)}).spawn(...words) };`,
    }));
  },
};

await rm("dist", { recursive: true, force: true });
await build({
  entryPoints: { main: "src/main.ts", gateway: "src/gateway.ts", leash: "src/leash.ts" },
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
  plugins: [builtinsByExport],
  // Native code finds its files beside itself.
  external: ["@duckdb/node-api", "dockerode"],
  // Bundled CommonJS packages call require() for Node's own modules.
  banner: { js: "const require = (name) => process.getBuiltinModule(name);" },
  legalComments: "linked",
  logLevel: "warning",
});
