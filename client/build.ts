import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { transform } from "@swc/core";
import { type BuildOptions, build } from "esbuild";
import { minify } from "terser";
import { DOCTOR_SHORT_NAMES, SHORT_NAMES } from "./short-names.ts";

const SOURCE = import.meta.dirname;
const TARGET = `${SOURCE}/../dist/client`;

mkdirSync(TARGET, { recursive: true });
const mangleProps = oneOf(SHORT_NAMES);
const modern = { bundle: true, format: "esm", target: "es2020", charset: "utf8" } satisfies BuildOptions;
const style = Buffer.from(await bundled("ui/main.css", { ...modern, minify: true })).toString();
const assets = {
  // Read by every browser with modules. It finds out itself whether it supports the browser.
  script: hashed("main", "js", await modernScript("ui/main.ts", { mangleProps })),
  style: hashed("main", "css", style),
  // For frames whose page chooses the scheme.
  lightStyle: hashed("main", "css", inScheme(style, "light")),
  darkStyle: hashed("main", "css", inScheme(style, "dark")),
  toolStyle: hashed("tools", "css", await bundled("ui/operate.css", { ...modern, minify: true })),
  icon: hashed("icon", "svg", readFileSync(`${SOURCE}/ui/icon.svg`)),
  unreadIcon: hashed("icon", "svg", withDot(readFileSync(`${SOURCE}/ui/icon.svg`, "utf8"))),
  touchIcon: picture("touch"),
  smallIcon: picture("small"),
  largeIcon: picture("large"),
  maskableIcon: picture("maskable"),
  legacyScript: hashed("legacy", "js", await es3Script("legacy/main.ts", { mangleProps })),
  // [IE7] esbuild only joins and shortens here, since IE does not understand modern CSS.
  legacyStyle: hashed("legacy", "css", await bundled("legacy/legacy.css", { bundle: true, minifyWhitespace: true })),
  doctorScript: hashed("doctor", "js", await es3Script("doctor/main.ts", { mangleProps: oneOf(DOCTOR_SHORT_NAMES) })),
  embedScript: hashed("embed", "js", await modernScript("embed.ts", { format: "iife" })),
  doctorStyle: hashed("doctor", "css", await bundled("doctor/doctor.css", { ...modern, minify: true })),
};
writeFileSync(`${TARGET}/assets.json`, `${JSON.stringify(assets)}\n`);
removeOld(Object.values(assets));
await writeClient("index.ts", TARGET, {});
await writeClient("browser.ts", TARGET, {});
// For require(): the folder's package.json says that its files, and the types, are CommonJS.
mkdirSync(`${TARGET}/commonjs`, { recursive: true });
writeFileSync(`${TARGET}/commonjs/package.json`, '{ "type": "commonjs" }\n');
await writeClient("index.ts", `${TARGET}/commonjs`, { format: "cjs" });

/** Returns a style sheet that is the same whatever scheme the browser prefers. */
function inScheme(css: string, scheme: "light" | "dark"): string {
  return css
    .replaceAll("color-scheme:light dark", `color-scheme:${scheme}`)
    .replaceAll(/@media ?\(prefers-color-scheme: ?(\w+)\)/g, (_, of) =>
      of === scheme ? "@media all" : "@media not all",
    );
}

/** Returns the icon of a page with unseen messages. */
function withDot(icon: string): string {
  return icon.replace("</svg>", '<circle cx="49" cy="15" r="14" fill="#1f5fbf" stroke="#fff" stroke-width="4"/></svg>');
}

function oneOf(names: string[]): RegExp {
  return new RegExp(`^(?:${names.join("|")})$`);
}

/**
 * Builds a script for browsers with modules. Terser saves another 6 % on the wire after esbuild.
 */
async function modernScript(entry: string, options: BuildOptions): Promise<string> {
  const es2017 = await bundled(entry, { ...modern, target: "es2017", minifySyntax: true, ...options });
  const { code } = await minify(withObjectAssign(Buffer.from(es2017).toString()), {
    module: options.format !== "iife",
    ecma: 2017,
    // No function is called by new.
    compress: { inline: 1, passes: 3, pure_getters: true, hoist_funs: true, unsafe_arrows: true },
  });
  return code as string;
}

/** Builds a script for old browsers, too: one file of ES3, as test/client/es3.test.ts checks. */
async function es3Script(entry: string, options: BuildOptions): Promise<string> {
  const es2020 = await bundled(entry, { ...modern, charset: "ascii", ...options });
  // Esbuild cannot lower below ES2015.
  const es3 = await transform(Buffer.from(es2020).toString(), { isModule: false, jsc: { target: "es3", loose: true } });
  // The compiler swc leaves `a.catch` as it is and puts its helpers outside the program. Terser's
  // ie8 quotes "catch". [IE8] The name of a function expression leaks. Terser removes those that
  // swc makes, and makes none of its own without reduce_funcs and with inline at 1.
  const { code } = await minify(`(function(){${withSmallHelper(es3.code)}})()`, {
    ie8: true,
    ecma: 5,
    compress: { reduce_funcs: false, inline: 1, passes: 3, pure_getters: true },
    format: { ascii_only: true },
  });
  return code as string;
}

/**
 * Replaces esbuild's helpers for object spread by Object.assign: the client's objects are plain.
 * Throws if another helper needs what they have in common, such as the one for `{ a, ...rest }`.
 */
function withObjectAssign(code: string): string {
  const replaced = code.replace(
    /^var __defProp = [\s\S]*?, __spreadProps = .*\n/,
    "const __spreadValues = Object.assign, __spreadProps = Object.assign;\n",
  );
  const missing = /__hasOwnProp|__getOwnPropSymbols|__propIsEnum|__defNormalProp/.exec(replaced)?.[0];
  if (missing) throw new Error(`the bundle would lack ${missing}: write the object out instead of { a, ...rest }`);
  return replaced;
}

/**
 * Replaces swc's helper for object spread by a third of its size: the client's objects are plain.
 */
function withSmallHelper(code: string): string {
  return code.replace(
    /function _extends\(\) \{[\s\S]*?\n\}\n/,
    "function _extends(to){for(var i=1;i<arguments.length;i++)for(var k in arguments[i])if({}.hasOwnProperty.call(arguments[i],k))to[k]=arguments[i][k];return to}\n",
  );
}

/**
 * Writes the package's client with a source map, so that stacks name the sources. The map for
 * browsers, whose debuggers cannot read the repository, contains the sources too.
 */
async function writeClient(entry: string, outdir: string, options: BuildOptions): Promise<void> {
  const entryPoints = [`${SOURCE}/${entry}`];
  const map = { sourcemap: "linked", sourcesContent: entry === "browser.ts" } as const;
  await build({ ...modern, ...map, minifySyntax: true, ...options, entryPoints, outdir });
}

async function bundled(entry: string, options: BuildOptions): Promise<Uint8Array> {
  const result = await build({ ...options, entryPoints: [`${SOURCE}/${entry}`], outdir: TARGET, write: false });
  return result.outputFiles?.[0]?.contents as Uint8Array;
}

/**
 * Writes a file under a name that changes with its content, so that browsers can cache it forever.
 */
function hashed(name: string, extension: string, content: Uint8Array | string): string {
  const file = named(name, extension, content);
  writeFileSync(`${TARGET}/${file}`, content);
  // Served instead to browsers that accept them, at a third of the size.
  writeFileSync(`${TARGET}/${file}.gz`, gzipSync(content, { level: 9 }));
  writeFileSync(`${TARGET}/${file}.br`, brotliCompressSync(content));
  return file;
}

/** Writes a picture of the icon, which is compressed already. */
function picture(name: string): string {
  const content = readFileSync(`${SOURCE}/ui/icons/${name}.png`);
  const file = named("icon", "png", content);
  writeFileSync(`${TARGET}/${file}`, content);
  return file;
}

function named(name: string, extension: string, content: Uint8Array | string): string {
  const hash = createHash("sha256").update(content).digest("base64url").replace(/[-_]/g, "").slice(0, 10);
  return `${name}-${hash}.${extension}`;
}

function removeOld(current: string[]): void {
  for (const file of readdirSync(TARGET)) {
    const asset = /^((main|icon|legacy|doctor|embed)-\w+\.(js|css|svg|png))(\.gz|\.br)?$/.exec(file)?.[1];
    if (asset !== undefined && !current.includes(asset)) rmSync(`${TARGET}/${file}`);
  }
}
