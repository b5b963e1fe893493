import { afterAll, beforeAll, expect, test } from "@jest/globals";
import request from "supertest";
import type { RoomEvent } from "../../protocol/event.ts";
import { endSites } from "../support/site-process.ts";
import { clientKind } from "./rig/client-person.ts";
import type { HostileNetwork, Running } from "./rig/network.ts";
import { isHere, NETWORKS } from "./rig/networks.ts";
import { openSites, type Sites } from "./rig/sites.ts";

// A member sends one message behind each network, and then nothing for several times the grace.
const QUIET_MS = 180_000;

const HERE = NETWORKS.filter((network) => isHere(network) && !network.ownSite && !network.isForClients);

let sites: Sites;
let url: string;
const outcomes = new Map<string, Promise<string[]>>();
const running: Running[] = [];

beforeAll(async () => {
  sites = await openSites();
  for (const network of HERE) {
    const outcome = sitQuietly(network);
    outcome.catch(() => undefined);
    outcomes.set(network.name, outcome);
    await Promise.race([outcome.catch(() => undefined), new Promise((resolve) => setTimeout(resolve, 500))]);
  }
}, 120_000);

afterAll(async () => {
  await Promise.allSettled(outcomes.values());
  for (const one of running) await one.close();
  await sites.close();
  await endSites();
});

async function sitQuietly(network: HostileNetwork): Promise<string[]> {
  const room = `quiet-${HERE.indexOf(network)}`;
  const site = await sites.behind(network);
  url = site.url;
  await request(url).post("/api/rooms").send({ slug: room }).expect(201);
  const started = await network.start(site);
  running.push(started);
  const participant = await clientKind.join(started.url, room, "Quiet");
  await participant.say("I am here");
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  const { body } = await request(url).get(`/api/rooms/${room}/messages`).expect(200);
  const { members } = (await request(url).get(`/api/rooms/${room}`).expect(200)).body;
  await participant.close();
  const kinds = body.events.map(({ kind }: RoomEvent) => kind);
  return [...new Set<string>(kinds), `${members.length} in the room`];
}

test.each(HERE.map(({ name }) => name))(
  "%s: a silent member stays in the room",
  async (name) => {
    expect(await outcomes.get(name)).toEqual(["enter", "message", "1 in the room"]);
  },
  QUIET_MS + 120_000,
);
