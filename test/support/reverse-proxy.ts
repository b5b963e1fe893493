import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "@jest/globals";
import { freePort } from "./free-port.ts";
import { until } from "./until.ts";
import { visit } from "./visit.ts";

/** A program that deploy/ has a configuration for. */
export type DeployedProgram = {
  name: string;
  /** The file in deploy/. */
  file: string;
  /** Its path on Debian. */
  path: string;
  /** Does it close a held poll when its visitor disconnects, or only when the poll is over? */
  dropsPolls: boolean;
  /**
   * Sets up `site.folder` for a configuration. Returns the arguments to run the program and to
   * check its configuration.
   */
  prepare(config: string, site: Location): { run: string[]; check: string[]; env?: { [name: string]: string } };
};

/** The port and the folder of a proxy under test. */
type Location = { port: number; folder: string };

/** A proxy that runs with its file from deploy/. */
export type ReverseProxy = {
  port: number;
  /** Returns all of its output and logs. */
  log(): string;
  close(): Promise<void>;
};

/** The nodes behind the proxy, and the base path. */
export type Behind = { nodes: [number, number]; base: "" | "/chat" };

const isRoot = process.getuid?.() === 0;

/** The programs, in the order of docs/proxies.md. */
export const PROGRAMS: DeployedProgram[] = [
  { name: "nginx", file: "nginx.conf", path: "/usr/sbin/nginx", dropsPolls: true, prepare: prepareNginx },
  { name: "HAProxy", file: "haproxy.cfg", path: "/usr/sbin/haproxy", dropsPolls: true, prepare: prepareHaproxy },
  { name: "Apache", file: "apache.conf", path: "/usr/sbin/apache2", dropsPolls: false, prepare: prepareApache },
  { name: "Caddy", file: "Caddyfile", path: "/usr/bin/caddy", dropsPolls: true, prepare: prepareCaddy },
  { name: "Varnish", file: "varnish.vcl", path: "/usr/sbin/varnishd", dropsPolls: false, prepare: prepareVarnish },
];

/** Returns whether a program is installed on this machine. */
export const isHere = ({ path }: DeployedProgram) => existsSync(path);

/**
 * Returns `test` for a program. It skips, with the reason in the name, if the program is missing.
 */
export function testBehind(program: DeployedProgram): typeof test {
  if (isHere(program)) return test;
  if (process.env.TEST_REQUIRE_BROWSER)
    throw new Error(`TEST_REQUIRE_BROWSER is set and there is no ${program.path}: install ${program.name}`);
  const skip = (sentence: string, work: () => void) => test.skip(`${sentence} (skipped: no ${program.name})`, work);
  return Object.assign(skip, test) as typeof test;
}

/** Starts a program with its file from deploy/, after the program's own check of the file. */
export async function startProxy(program: DeployedProgram, behind: Behind): Promise<ReverseProxy> {
  const folder = mkdtempSync(join(tmpdir(), `chattera-${program.name.toLowerCase()}-`));
  chmodSync(folder, 0o755);
  const place = { port: await freePort(), folder };
  const config = adapt(readFileSync(join(DEPLOY, program.file), "utf8"), behind);
  const { run, check, env } = program.prepare(config, place);
  const environment = { ...process.env, HOME: folder, ...env };
  const checked = spawnSync(program.path, check, { env: environment, encoding: "utf8" });
  if (checked.status !== 0) {
    rmSync(folder, { recursive: true });
    throw new Error(`${program.file}: ${checked.stdout}${checked.stderr}`);
  }
  const child = spawn(program.path, run, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  process.once("exit", () => child.kill("SIGTERM"));
  let output = "";
  for (const pipe of [child.stdout, child.stderr])
    pipe.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const close = () => end(child, folder);
  const log = () => output + logsIn(folder);
  const answers = () => visit(place, `${behind.base}/healthz`).then(({ status }) => status === 200, isNotYet);
  try {
    await until(`${program.name} answers`, answers, 15_000);
  } catch (error) {
    const logged = log();
    await close();
    throw new Error(`${error}: ${logged}`);
  }
  return { port: place.port, log, close };
}

const DEPLOY = fileURLToPath(new URL("../../deploy", import.meta.url));

const isNotYet = () => false;

/**
 * Makes the changes of deploy/README.md: the nodes and, under a base path, the line below each `#
 * BASE_PATH`.
 */
function adapt(text: string, { nodes, base }: Behind): string {
  const based = base === "" ? text : text.replace(/^([ \t]*)# BASE_PATH=\/chat: (.*)\n.*$/gm, "$1$2");
  return based.replace(/\b300([01])\b/g, (_, n) => String(nodes[Number(n)]));
}

/** Replaces a text that must be there. */
function put(text: string, what: string, instead: string): string {
  if (!text.includes(what)) throw new Error(`"${what}" is not in the file of deploy/`);
  return text.replaceAll(what, instead);
}

/** As a file in Debian's conf.d, in a server that compresses every type. */
function prepareNginx(config: string, { port, folder }: Location) {
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((of) => `${of}_temp_path ${folder}/${of};`);
  const site = put(put(config, "listen 80;", `listen 127.0.0.1:${port};`), "/var/log/nginx", folder);
  writeFileSync(join(folder, "chattera.conf"), site);
  const main = join(folder, "nginx.conf");
  writeFileSync(
    main,
    `daemon off; worker_processes 2; pid ${folder}/pid; error_log ${folder}/error.log;
     events {}
     http { gzip on; gzip_types *; ${temp.join(" ")} include ${folder}/chattera.conf; }`,
  );
  return { run: ["-c", main], check: ["-t", "-q", "-c", main] };
}

/** Only root can switch to another user. */
function prepareHaproxy(config: string, { port, folder }: Location) {
  const site = put(config, "bind :80", `bind 127.0.0.1:${port}`);
  const file = join(folder, "haproxy.cfg");
  writeFileSync(file, isRoot ? site : site.replace(/^ +(user|group) haproxy$/gm, ""));
  return { run: ["-db", "-f", file], check: ["-c", "-f", file] };
}

/** As a site of Debian's Apache, with Debian's modules and those that the file says to enable. */
function prepareApache(config: string, { port, folder }: Location) {
  const root = join(folder, "apache2");
  cpSync("/etc/apache2", root, { recursive: true, verbatimSymlinks: true });
  rmSync(join(root, "sites-enabled"), { recursive: true });
  mkdirSync(join(root, "sites-enabled"));
  for (const [, names = ""] of config.matchAll(/^# {3}a2enmod (.*)$/gm))
    for (const name of names.split(" ")) enableModule(root, name);
  writeFileSync(join(root, "ports.conf"), `Listen 127.0.0.1:${port}\n`);
  writeFileSync(join(root, "sites-enabled/chattera.conf"), put(config, "*:80>", `127.0.0.1:${port}>`));
  const env = {
    APACHE_RUN_USER: "www-data",
    APACHE_RUN_GROUP: "www-data",
    APACHE_PID_FILE: join(folder, "pid"),
    APACHE_RUN_DIR: folder,
    APACHE_LOCK_DIR: folder,
    APACHE_LOG_DIR: folder,
  };
  const args = ["-d", root, "-f", "apache2.conf"];
  return { run: [...args, "-DFOREGROUND"], check: [...args, "-t"], env };
}

/** Does the same as a2enmod. */
function enableModule(root: string, name: string): void {
  const load = readFileSync(join(root, `mods-available/${name}.load`), "utf8");
  for (const needed of /# Depends: (.*)/.exec(load)?.[1]?.split(" ") ?? []) enableModule(root, needed);
  for (const file of [`${name}.load`, `${name}.conf`])
    if (existsSync(join(root, "mods-available", file)) && !existsSync(join(root, "mods-enabled", file)))
      symlinkSync(`../mods-available/${file}`, join(root, "mods-enabled", file));
}

/**
 * Without certificates, which it would request from the internet, and without its administration
 * port.
 */
function prepareCaddy(config: string, { port, folder }: Location) {
  const file = join(folder, "Caddyfile");
  const site = put(config, "\nchat.example.org {", `\nhttp://chat.example.org:${port} {\n\tbind 127.0.0.1`);
  writeFileSync(file, put(site, "\n{\n", "\n{\n\tadmin off\n\tauto_https off\n"));
  const env = { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const args = ["--config", file, "--adapter", "caddyfile"];
  return { run: ["run", ...args], check: ["validate", ...args], env };
}

/** Its port is set on the command line, not in the file. */
function prepareVarnish(config: string, { port, folder }: Location) {
  const file = join(folder, "varnish.vcl");
  writeFileSync(file, config);
  const run = [
    "-F",
    "-a",
    `127.0.0.1:${port}`,
    "-f",
    file,
    "-n",
    join(folder, "run"),
    "-s",
    "malloc,32m",
    "-T",
    "none",
  ];
  return { run, check: ["-C", "-f", file, "-n", join(folder, "check")] };
}

function logsIn(folder: string): string {
  const names = readdirSync(folder).filter((name) => name.endsWith(".log"));
  return names.map((name) => readFileSync(join(folder, name), "utf8")).join("");
}

async function end(child: ChildProcess, folder: string): Promise<void> {
  const ended = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
  child.kill("SIGTERM");
  await ended;
  rmSync(folder, { recursive: true, force: true });
}
