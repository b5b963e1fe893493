import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";

const SOURCE = import.meta.dirname;
const TARGET = `${SOURCE}/../dist/client`;

mkdirSync(TARGET, { recursive: true });
const bundles = await build({
  entryPoints: [`${SOURCE}/ui/main.ts`, `${SOURCE}/ui/main.css`],
  outdir: TARGET,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2020",
  charset: "utf8",
  write: false,
});
const assets = {
  script: hashed("main", "js", bundles.outputFiles.find((file) => file.path.endsWith(".js"))?.contents),
  style: hashed("main", "css", bundles.outputFiles.find((file) => file.path.endsWith(".css"))?.contents),
  icon: hashed("icon", "svg", readFileSync(`${SOURCE}/ui/icon.svg`)),
};
writeFileSync(`${TARGET}/assets.json`, `${JSON.stringify(assets)}\n`);
removeOld(Object.values(assets));
await build({
  entryPoints: [`${SOURCE}/index.ts`],
  outfile: `${TARGET}/index.js`,
  bundle: true,
  format: "esm",
  target: "es2020",
});

/** Writes a file under a name that changes with its content, so that browsers may keep it for ever. */
function hashed(name: string, extension: string, content: Uint8Array | undefined): string {
  if (content === undefined) throw new Error(`esbuild made no ${name}.${extension}.`);
  const hash = createHash("sha256").update(content).digest("base64url").replace(/[-_]/g, "").slice(0, 10);
  const file = `${name}-${hash}.${extension}`;
  writeFileSync(`${TARGET}/${file}`, content);
  // served in their stead to browsers that take them, a third of the size
  writeFileSync(`${TARGET}/${file}.gz`, gzipSync(content, { level: 9 }));
  writeFileSync(`${TARGET}/${file}.br`, brotliCompressSync(content));
  return file;
}

function removeOld(current: string[]): void {
  for (const file of readdirSync(TARGET)) {
    const asset = /^((main|icon)-\w+\.(js|css|svg))(\.gz|\.br)?$/.exec(file)?.[1];
    if (asset !== undefined && !current.includes(asset)) rmSync(`${TARGET}/${file}`);
  }
}
