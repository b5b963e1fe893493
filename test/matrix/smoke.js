import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "chattera/client";
import { openStream } from "chattera/testing";

const COUNT = 10;

/** Emulated processors are 20 times slower than this machine. */
const PATIENCE_MS = 3 * 60_000;

/**
 * Starts the built site with the Node that runs this file, sends messages, kills the site with -9,
 * and starts it again: `node test/matrix/smoke.js`, with DATABASE_URL, or on the embedded database.
 * Prints one line. Exits with 1 if a message was lost, doubled or out of order on a stream, in
 * polls or in the npm client, or if Node printed a warning.
 */
async function main() {
  const folder = await mkdtemp(join(tmpdir(), "chattera-smoke-"));
  // The user of the embedded database has to pass.
  await chmod(folder, 0o711);
  const settings = { DATA_DIR: join(folder, "data"), HOST: "127.0.0.1" };
  const before = await startSite({ ...settings, PORT: "0" });
  const { url } = before;
  const stream = await openStream(url, { room: ROOM, timeoutMs: PATIENCE_MS });
  const start = stream.cursor();
  const { room, events } = await follow(url, 2 * COUNT);
  const sent = await Promise.all(texts("before").map((text) => room.send(text)));
  const streamed = await messagesOf(stream, COUNT);

  await before.end("SIGKILL");
  const waiting = texts("after").map((text) => room.send(text));
  const after = await startSite({ ...settings, PORT: new URL(url).port });
  sent.push(...(await Promise.all(waiting)));
  const next = await openStream(url, { room: ROOM, after: stream.cursor(), timeoutMs: PATIENCE_MS });
  streamed.push(...(await messagesOf(next, COUNT)));
  await Promise.all([stream.close(), next.close()]);
  const readers = { client: await events, stream: streamed, polls: await poll(url, start) };
  room.close();
  const code = await after.end("SIGTERM");
  await rm(folder, { recursive: true, force: true });
  report({ sent, readers, code, said: before.said() + after.said() });
}

const ROOM = "lobby";

function texts(when) {
  return Array.from({ length: COUNT }, (_, n) => `${when} the kill, ${n}`);
}

/** Starts the built site in a process of its own, and waits for its address. */
async function startSite(settings) {
  const child = spawn(process.execPath, ["dist/server/process/cli.js", "serve"], {
    env: { ...process.env, ...settings },
    stdio: ["ignore", "ignore", "pipe"],
  });
  process.once("exit", () => child.kill("SIGKILL"));
  let said = "";
  const url = await new Promise((resolve, reject) => {
    child.stderr.setEncoding("utf8").on("data", (text) => {
      said += text;
      const found = /chattera is at (\S+)/.exec(said)?.[1];
      if (found) resolve(found);
    });
    child.once("exit", (code) => reject(new Error(`the site ended with ${code}: ${said}`)));
  });
  const end = async (signal) => {
    child.kill(signal);
    const [code] = await once(child, "exit");
    return code;
  };
  return { url, end, said: () => said };
}

/** Enters the room. `events` resolves with the first `count` messages that the npm client reads. */
async function follow(url, count) {
  const room = connect(url, { room: ROOM, nickname: "Ann" });
  const read = [];
  const events = new Promise((resolve) => {
    room.on("event", (event) => {
      if (event.kind === "message") read.push(event);
      if (read.length >= count) resolve(read);
    });
  });
  await room.ready;
  return { room, events };
}

async function messagesOf(stream, count) {
  const read = [];
  while (read.length < count) read.push(...(await stream.events(1)).filter(({ kind }) => kind === "message"));
  return read;
}

/** Reads all messages after a cursor by long polls. */
async function poll(url, cursor) {
  const read = [];
  for (let after = cursor; read.length < 2 * COUNT; ) {
    const response = await fetch(`${url}/api/poll?room=${ROOM}&after=${after}`);
    const { events, cursor: next } = await response.json();
    read.push(...events.filter(({ kind }) => kind === "message"));
    after = next;
  }
  return read;
}

function report({ sent, readers, code, said }) {
  const inOrder = JSON.stringify(sent.toSorted((a, b) => a.seq - b.seq).map(({ seq, text }) => [seq, text]));
  const wrong = Object.entries(readers)
    .filter(([, read]) => JSON.stringify(read.map(({ seq, text }) => [seq, text])) !== inOrder)
    .map(([name]) => `${name} differs`);
  if (code !== 0) wrong.push(`the site ended with ${code}`);
  const warning = /^.*(Warning|trace-).*$/m.exec(said)?.[0];
  if (warning) wrong.push(warning);
  const result = wrong.map((one) => `<br>${one}`).join("") || `${sent.length} messages, each once and in order`;
  console.log(`Node ${process.versions.node}, ${process.arch}: ${result}`);
  process.exit(wrong.length === 0 ? 0 : 1);
}

await main();
