import { fileURLToPath } from "node:url";

import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const studio = process.env.FLUXTUNE_URL ?? "http://127.0.0.1:7860";

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    outDir: "../src/fluxtune/web/dist",
    emptyOutDir: true,
    chunkSizeWarningLimit: 2000,
    // Fonts and icons stay files: the page's content policy allows no data: fonts.
    assetsInlineLimit: 0,
  },
  server: { proxy: { "/api": { target: studio, changeOrigin: true } } },
});
