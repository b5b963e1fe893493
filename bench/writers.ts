import { connect, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { textOf } from "./check.ts";
import { Histogram } from "./histogram.ts";
import { endOfAnswer } from "./readers.ts";
import type { Plan } from "./systems/system.ts";

/** Kept-alive connections over which all writers' remarks go. */
const CONNECTIONS = 64;

const TEXT_BYTES = 100;

/** How saying went: numbers of the remarks that were acknowledged, and the time from when each was due. */
export type Said = { acknowledged: number[]; refused: number; times: Histogram };

/** Says remarks at a steady pace. */
export type Writers = {
  /** Open loop: each remark is sent when its time has come, whether or not the one before was answered. */
  speak(rate: number, seconds: number): Promise<Said>;
};

/** Opens the writers of a system; `dueAt` takes down when each remark was due. Their connections are made anew when they end. */
export async function openWriters(plan: Plan, dueAt: Float64Array): Promise<Writers> {
  const free: Socket[] = [];
  const waiting: (() => void)[] = [];
  const answered = new Map<Socket, (status: number) => void>();
  const run = Date.now().toString(36);
  let count = 0;
  await Promise.all(Array.from({ length: CONNECTIONS }, dial));
  return { speak };

  async function speak(rate: number, seconds: number): Promise<Said> {
    const said: Said = { acknowledged: [], refused: 0, times: new Histogram() };
    const underWay: Promise<void>[] = [];
    const total = Math.round(rate * seconds);
    const startedAt = performance.now();
    while (underWay.length < total) {
      const dueBy = (performance.now() - startedAt) / 1000;
      while (underWay.length < total && underWay.length / rate <= dueBy)
        underWay.push(say(startedAt + (underWay.length / rate) * 1000, said));
      await setTimeout(1);
    }
    await Promise.all(underWay);
    return said;
  }

  async function say(due: number, said: Said): Promise<void> {
    const n = count;
    count += 1;
    dueAt[n] = due;
    const { head, body } = plan.writers[n % plan.writers.length] as Plan["writers"][number];
    const text = body.replace("@TEXT@", textOf(n, TEXT_BYTES)).replace("@ID@", `bench-${run}-${n}`);
    const status = await post(`${head}Content-Length: ${text.length}\r\n\r\n${text}`);
    said.times.add(performance.now() - due);
    if (status >= 200 && status < 300) said.acknowledged.push(n);
    else said.refused += 1;
  }

  async function post(request: string): Promise<number> {
    if (free.length === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    const socket = free.pop() as Socket;
    const status = await new Promise<number>((resolve) => {
      answered.set(socket, resolve);
      socket.write(request);
    });
    answered.delete(socket);
    if (!socket.destroyed) release(socket);
    return status;
  }

  function dial(): Promise<void> {
    const socket = connect({ port: plan.port, host: "127.0.0.1", noDelay: true });
    let received = "";
    socket.setEncoding("latin1").on("data", (text) => {
      received += text;
      const end = endOfAnswer(received);
      if (end === undefined) return;
      const status = Number(received.slice(9, 12));
      received = received.slice(end);
      answered.get(socket)?.(status);
    });
    socket.on("error", () => undefined); // its close follows
    socket.once("close", () => {
      answered.get(socket)?.(0);
      if (free.includes(socket)) free.splice(free.indexOf(socket), 1);
      void setTimeout(100).then(dial);
    });
    return new Promise((resolve) => {
      socket.once("close", resolve);
      socket.once("connect", () => {
        release(socket);
        resolve();
      });
    });
  }

  function release(socket: Socket): void {
    free.push(socket);
    waiting.shift()?.();
  }
}
