import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { transform } from "@swc/core";
import { type BuildOptions, build } from "esbuild";
import { minify } from "terser";

const SOURCE = import.meta.dirname;
const TARGET = `${SOURCE}/../dist/client`;

mkdirSync(TARGET, { recursive: true });
const modern = { bundle: true, format: "esm", target: "es2020", charset: "utf8" } satisfies BuildOptions;
const assets = {
  // read by every browser that knows modules; which of them it is for it finds out itself
  script: hashed("main", "js", await modernScript("ui/main.ts")),
  style: hashed("main", "css", await bundled("ui/main.css", { ...modern, minify: true })),
  icon: hashed("icon", "svg", readFileSync(`${SOURCE}/ui/icon.svg`)),
  legacyScript: hashed("legacy", "js", await es3Script("legacy/main.ts")),
  // [IE7] esbuild only joins and shortens here: what it would modernise, IE does not understand
  legacyStyle: hashed("legacy", "css", await bundled("legacy/legacy.css", { bundle: true, minifyWhitespace: true })),
  doctorScript: hashed("doctor", "js", await es3Script("doctor/main.ts")),
  doctorStyle: hashed("doctor", "css", await bundled("doctor/doctor.css", { ...modern, minify: true })),
};
writeFileSync(`${TARGET}/assets.json`, `${JSON.stringify(assets)}\n`);
removeOld(Object.values(assets));
writeFileSync(`${TARGET}/index.js`, await bundled("index.ts", modern));
// for require(): the folder says itself what its files are, the types' too
mkdirSync(`${TARGET}/commonjs`, { recursive: true });
writeFileSync(`${TARGET}/commonjs/package.json`, '{ "type": "commonjs" }\n');
writeFileSync(`${TARGET}/commonjs/index.js`, await bundled("index.ts", { ...modern, format: "cjs" }));

/** A bundle for every browser that knows modules. What terser does after esbuild saves another 6 % on the wire. */
async function modernScript(entry: string): Promise<string> {
  const es2017 = await bundled(entry, { ...modern, target: "es2017", minify: true });
  const { code } = await minify(Buffer.from(es2017).toString(), { module: true, ecma: 2017, compress: { passes: 3 } });
  return code as string;
}

/** A bundle for old browsers too: one file of ES3, which test/client/es3.test.ts sees to. */
async function es3Script(entry: string): Promise<string> {
  const es2020 = await bundled(entry, { ...modern, charset: "ascii" });
  // esbuild knows no way below ES2015
  const es3 = await transform(Buffer.from(es2020).toString(), { isModule: false, jsc: { target: "es3", loose: true } });
  // swc leaves `a.catch` as it is and puts its helpers outside the program; terser's ie8 quotes "catch". [IE8] The name of
  // a function expression leaks: terser removes those that swc makes, and without reduce_funcs makes none of its own
  const { code } = await minify(`(function(){${es3.code}})()`, {
    ie8: true,
    ecma: 5,
    compress: { reduce_funcs: false, passes: 3 },
    format: { ascii_only: true },
  });
  return code as string;
}

async function bundled(entry: string, options: BuildOptions): Promise<Uint8Array> {
  const result = await build({ ...options, entryPoints: [`${SOURCE}/${entry}`], outdir: TARGET, write: false });
  return result.outputFiles?.[0]?.contents as Uint8Array;
}

/** Writes a file under a name that changes with its content, so that browsers may keep it for ever. */
function hashed(name: string, extension: string, content: Uint8Array | string): string {
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
    const asset = /^((main|icon|legacy|doctor)-\w+\.(js|css|svg))(\.gz|\.br)?$/.exec(file)?.[1];
    if (asset !== undefined && !current.includes(asset)) rmSync(`${TARGET}/${file}`);
  }
}
