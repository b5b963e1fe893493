import { afterEach, expect, test } from "@jest/globals";
import { connect, type RoomEvent, type RoomHandle } from "../../client/index.ts";
import { until } from "../support/until.ts";
import { useSite } from "../support/use-site.ts";

const site = useSite();
const open: RoomHandle[] = [];

afterEach(() => {
  for (const room of open.splice(0)) room.close();
});

async function enter(nickname: string): Promise<{ room: RoomHandle; events: RoomEvent[] }> {
  const room = connect(site.url, { room: "lobby", nickname });
  const events: RoomEvent[] = [];
  room.on("event", (event) => events.push(event));
  open.push(room);
  await room.ready;
  return { room, events };
}

test("a handle replies, edits and erases, and others get the events with types that narrow by kind", async () => {
  const ann = await enter("Ann");
  const bob = await enter("Bob");
  const asked = await bob.room.send("who?");
  const said = await ann.room.send("mee", { reply: asked.seq });
  expect(said).toMatchObject({ kind: "message", reply: asked.seq });
  expect(await ann.room.edit(said.seq, "me")).toMatchObject({ kind: "edit", target: said.seq, text: "me" });
  const erased = await ann.room.erase(said.seq);
  await until("Bob has the erase", () => bob.events.some(({ seq }) => seq === erased.seq));
  const targets = bob.events.flatMap((event) => (event.kind === "edit" || event.kind === "erase" ? event.target : []));
  expect(targets).toEqual([said.seq, said.seq]);
  await expect(bob.room.erase(said.seq)).rejects.toMatchObject({ code: "not_yours" });
  const { events } = await bob.room.history();
  expect(events.find(({ seq }) => seq === said.seq)).toMatchObject({ kind: "message", erased: true });
});

test("a handle renames itself, and speaks under the new name from then on", async () => {
  const cai = await enter("Cai");
  expect(await cai.room.rename("Kai", "#2f6b1e")).toMatchObject({ nickname: "Kai", color: "#2f6b1e" });
  const { seq, member } = await cai.room.send("new name");
  expect(member.nickname).toBe("Kai");
  await until("it has its own message", () => cai.events.some((event) => event.seq === seq));
  expect(cai.events.slice(-2)).toMatchObject([{ kind: "rename", former: { nickname: "Cai" } }, { kind: "message" }]);
  await expect(cai.room.rename(" ")).rejects.toMatchObject({ code: "nickname_invalid" });
});

test("a roll resolves with the notice that it became", async () => {
  const { room } = await enter("Dan");
  expect(await room.send("/roll 2d6")).toMatchObject({ kind: "notice", text: expect.stringMatching(/^2d6 = /) });
  await expect(room.send("/roll 0d6")).rejects.toMatchObject({ code: "dice_invalid" });
});

test("a change that has no answer yet rejects when the handle is closed", async () => {
  const { room } = await enter("Eve");
  const { seq } = await room.send("soon gone");
  const change = room.erase(seq);
  room.close();
  await expect(change).rejects.toThrow("closed");
});
