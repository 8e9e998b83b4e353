// How is the workbench built? Into three files of fixed names that the server embeds and an exported file carries inside. The script is a
// classic one at the end, for browsers refuse modules from `file://`, and the answers of an exported file stand before it; nothing has a hash in its name, so that CI can compare bytes.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

function classicScript(): Plugin {
  return {
    name: "classic-script",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler: (html) =>
        html
          .replace(/\s*<script type="module"[^>]*><\/script>/, "")
          .replace("  </body>", '    <script src="./app.js"></script>\n  </body>')
          .replace(/ crossorigin(?=[ >])/g, "")
          .replace(/ >/g, ">"),
    },
  };
}

/** The program that answers while the pages are developed. */
const program = process.env.PELLUCID_SERVER ?? "http://127.0.0.1:8765";

export default defineConfig({
  base: "./",
  publicDir: false,
  plugins: [svelte({ compilerOptions: { cssHash: ({ hash, css }) => `s${hash(css)}` } }), classicScript()],
  server: { proxy: { "/api": program, "/theme.css": program, "/inter-400.otf": program, "/inter-600.otf": program } },
  build: {
    target: "es2022",
    modulePreload: false,
    sourcemap: false,
    cssCodeSplit: false,
    rolldownOptions: {
      output: { format: "iife", entryFileNames: "app.js", assetFileNames: "app[extname]" },
    },
  },
});
