import type { RoomEvent } from "../../protocol/event.ts";
import { environment } from "../environment.ts";
import type { Page } from "../page.ts";
import type { Attention } from "./attention.ts";
import { createStore } from "./store.ts";

const APART_MS = 2_000;
// Hertz and seconds of two notes that rise.
const NOTES = [784, 1047];
const NOTE_SECONDS = 0.11;
const LONGEST_TEXT = 140;

/** The messages of others that cause a sound, or a notification: `off`, `mentions` or `all`. */
export type OldAlertChoices = { sound: string; notify: string };

/** Sounds and notifications, in old browsers that have them. */
export type OldAlerts = {
  choices: OldAlertChoices;
  canRing(): boolean;
  canNotify(): boolean;
  /** Stores a choice, and asks for permission. Calls back with whether it was denied. */
  choose(name: keyof OldAlertChoices, value: string, done: (isDenied: boolean) => void): void;
  /** Another person's message has just arrived. */
  alert(event: RoomEvent, isMention: boolean): void;
};

/** Creates the alerts of a room. */
export function createAlerts({ room, address }: Page, attention: Attention): OldAlerts {
  const store = createStore("localStorage");
  const Context = window.AudioContext || window.webkitAudioContext;
  const { Notification } = window;
  const name = `alerts_${address.base}`;
  const stored = (store.load(name) || {}) as Partial<OldAlertChoices>;
  const choices: OldAlertChoices = { sound: stored.sound || "off", notify: stored.notify || "off" };
  const alerted = `alerted_${room}`;
  const { title } = document;
  let context: OldAudioContext | undefined;
  let rangAt = 0;

  return {
    choices,
    canRing: () => Context !== undefined,
    canNotify: () => Notification?.requestPermission !== undefined,
    choose(which, value, done) {
      choices[which] = value;
      store.save(name, choices);
      if (value === "off") done(false);
      else if (which === "sound") ring();
      else Notification?.requestPermission?.((permission) => done(permission === "denied"));
    },
    alert(event, isMention) {
      const isWanted = (choice: string) => choice === "all" || (choice === "mentions" && isMention);
      if (!isWanted(choices.sound) && !isWanted(choices.notify)) return;
      // Other tabs alert to it otherwise. Without a store, each tab is alone.
      if (Number(store.load(alerted) || 0) >= event.seq) return;
      store.save(alerted, event.seq);
      if (isWanted(choices.sound)) ring();
      if (isWanted(choices.notify) && !attention.isHere()) notify(event);
    },
  };

  function ring(): void {
    const now = environment.now();
    if (Context === undefined || now - rangAt < APART_MS) return;
    rangAt = now;
    context = context || new Context();
    // [Chromium 66] It starts only after the reader has pressed something.
    if (context.resume) context.resume();
    for (let i = 0; i < NOTES.length; i++) {
      const note = context.createOscillator();
      const volume = context.createGain();
      const at = context.currentTime + i * NOTE_SECONDS;
      note.frequency.value = NOTES[i] as number;
      volume.gain.value = 0.1;
      note.connect(volume);
      volume.connect(context.destination);
      note.start(at);
      note.stop(at + NOTE_SECONDS);
    }
  }

  function notify({ member, text = "" }: RoomEvent): void {
    if (Notification === undefined) return;
    try {
      new Notification(title, { body: `${member.nickname}: ${text.slice(0, LONGEST_TEXT)}`, tag: `chattera_${room}` });
    } catch (_isOfPhone) {
      // [Chrome on Android] It shows notifications of service workers only.
      choices.notify = "off";
    }
  }
}
