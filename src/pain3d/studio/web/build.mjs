// Builds the page: node build.mjs [folder]. Without a folder, into ../page, from where a wheel takes it.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const web = fileURLToPath(new URL(".", import.meta.url));
const out = process.argv[2] ?? join(web, "..", "page");

/** Of names and contents of the sources, as pain3d.studio.page has it. */
function sourcesSha256() {
  const here = readdirSync(web).filter((name) => /\.(json|mjs)$/.test(name));
  const inside = readdirSync(join(web, "src")).map((name) => `src/${name}`);
  const digest = createHash("sha256");
  for (const name of [...here, ...inside].sort()) {
    digest.update(`${name}\0`);
    digest.update(createHash("sha256").update(readFileSync(join(web, name))).digest());
  }
  return digest.digest("hex");
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
await esbuild.build({
  absWorkingDir: web,
  entryPoints: ["src/main.js", "src/style.css"],
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "linked",
  logLevel: "warning",
});
for (const name of ["index.html", "icon.svg"]) copyFileSync(join(web, "src", name), join(out, name));
writeFileSync(join(out, "sources.sha256"), `${sourcesSha256()}\n`);
