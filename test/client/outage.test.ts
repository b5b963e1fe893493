import { expect, test } from "@jest/globals";
import { connect } from "../../client/index.ts";
import type { Misbehaviour } from "../networks/rig/proxy.ts";
import { openProxy, ownAnswer } from "../networks/rig/proxy.ts";
import { useSite } from "../support/use-site.ts";

const ROUND_TRIP_MS = 300;
const site = useSite();

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A network on which no message passes at first, and each request takes a round trip of 300 ms. */
function openNetwork() {
  const network = { isOut: true, requests: 0 };
  const misbehave: Misbehaviour = async (asked, pass) => {
    await later(ROUND_TRIP_MS);
    if (!/\/(messages|say)/.test(asked.path)) return pass(asked);
    if (network.isOut) return ownAnswer(503, "Out of order");
    network.requests += 1;
    return pass(asked);
  };
  return openProxy(site.url, misbehave).then((proxy) => Object.assign(network, { proxy }));
}

test("sixty messages that waited for the network are stored by three requests, in order", async () => {
  const network = await openNetwork();
  const room = connect(network.proxy.url, { room: "lobby", nickname: "Waiting" });
  await room.ready;
  const texts = Array.from({ length: 60 }, (_, n) => `waited ${n}`);
  const sent = Promise.all(texts.map((text) => room.send(text)));
  await later(3 * ROUND_TRIP_MS);
  network.isOut = false;
  const events = await sent;
  const { events: log } = await room.history(undefined, 60);
  room.close();
  await network.proxy.close();
  expect(network.requests).toBeLessThanOrEqual(3);
  expect(events.map(({ text }) => text)).toEqual(texts);
  expect(log.map(({ text }) => text)).toEqual(texts);
}, 30_000);
