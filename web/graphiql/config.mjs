// How vite builds the page. Nothing in it may depend on the machine: CI builds it again and compares.

import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/**
 * GraphiQL formats JSON by prettier's parsers for JavaScript, half a megabyte. jsonc-parser is there anyway and does it
 * too, so that src/format.ts stands in for prettier wherever GraphiQL asks for it.
 */
const lightPrettier = {
  name: "light-prettier",
  enforce: "pre",
  resolveId: {
    filter: { id: /^prettier\// },
    handler: (id, importer = "") => {
      if (importer.includes("/src/")) return null;
      return here(id === "prettier/standalone" ? "src/format.ts" : "src/no-plugin.ts");
    },
  },
};

/** Libraries mark modules for React's compilers and servers, which are not here; all other warnings are shown. */
const onwarn = (warning, show) => {
  if (warning.code !== "MODULE_LEVEL_DIRECTIVE") show(warning);
};

/** @type {import("vite").InlineConfig} */
export default {
  root: here("."),
  base: "/graphiql/",
  configFile: false,
  logLevel: "warn",
  plugins: [lightPrettier],
  worker: { format: "es", rolldownOptions: { onwarn } },
  build: {
    emptyOutDir: true,
    assetsInlineLimit: 0, // the page's policy takes no font or script from a data: URL
    modulePreload: { polyfill: false },
    target: "es2022",
    sourcemap: false,
    license: { fileName: "licenses.md" }, // of all that is in the bundle, which must go with it
    reportCompressedSize: false,
    chunkSizeWarningLimit: 4096,
    rolldownOptions: { onwarn, checks: { pluginTimings: false } }, // timings say how busy the machine is
  },
};
