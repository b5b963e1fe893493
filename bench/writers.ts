import { setTimeout } from "node:timers/promises";
import { createClientId } from "../client/core/base/environment.ts";
import { textOf } from "./check.ts";
import { type Client, ENVIRONMENT } from "./client.ts";
import { Histogram } from "./histogram.ts";
import type { Fill } from "./wires/wire.ts";

const TEXT_BYTES = 100;

/** How long before a message its writer is reported to be typing. */
const TYPING_MS = 2_000;

/**
 * How sending went: numbers of the messages that were acknowledged, and the time from when each was
 * due.
 */
export type Sent = { acknowledged: number[]; refused: number; times: Histogram };

/** Sends messages at a steady pace. */
export type Writers = {
  /**
   * Open loop: each message is sent when its time has come, whether or not the one before was
   * answered.
   */
  speak(rate: number, seconds: number): Promise<Sent>;
};

/**
 * The crowd's writers. `speakerOf` says whose turn a message is; `dueAt` takes down when it was
 * due.
 */
export type WriterOptions = {
  speakerOf(n: number): Client;
  dueAt: Float64Array;
  isTyping: boolean;
  onFailed(): void;
};

/** Each message goes over connections of the person that sends it. */
export function openWriters({ speakerOf, dueAt, isTyping, onFailed }: WriterOptions): Writers {
  let count = 0;
  return { speak };

  async function speak(rate: number, seconds: number): Promise<Sent> {
    const sent: Sent = { acknowledged: [], refused: 0, times: new Histogram() };
    const underWay: Promise<void>[] = [];
    const total = Math.round(rate * seconds);
    const first = count;
    let typed = isTyping ? 0 : total;
    const startedAt = performance.now();
    while (underWay.length < total) {
      const now = performance.now();
      for (; typed < total && typed / rate <= (now - startedAt + TYPING_MS) / 1000; typed += 1) type(first + typed);
      while (underWay.length < total && underWay.length / rate <= (now - startedAt) / 1000)
        underWay.push(send(startedAt + (underWay.length / rate) * 1000, sent));
      await setTimeout(1);
    }
    await Promise.all(underWay);
    return sent;
  }

  async function send(due: number, sent: Sent): Promise<void> {
    const n = count;
    count += 1;
    dueAt[n] = due;
    const { connections, request } = speakerOf(n);
    const message = request("message") as Fill;
    const { status } = await connections.ask(message({ text: textOf(n, TEXT_BYTES), id: createClientId(ENVIRONMENT) }));
    sent.times.add(performance.now() - due);
    if (status >= 200 && status < 300) sent.acknowledged.push(n);
    else sent.refused += 1;
  }

  function type(n: number): void {
    const { connections, request } = speakerOf(n);
    const typing = request("typing");
    if (typing) void connections.ask(typing()).then(({ status }) => status !== 200 && onFailed());
  }
}
