import { optional } from "./browser.ts";

const APART_MS = 2_000;
// A sound that the browser held back until the reader pressed something would come too late.
const LATE_MS = 1_000;
// Two notes rise for a message, and three for a mention, in hertz.
const NOTES = [784, 1047];
const NOTES_OF_MENTION = [784, 1047, 1397];
const NOTE_SECONDS = 0.11;
const LOUDNESS = 0.15;

/** Rings, without a file of sound. */
export type Bell = {
  /** Rings, unless it has just rung. */
  ring(isMention: boolean): void;
  /** Prepares to ring. Browsers allow sound after the reader has pressed something. */
  unlock(): void;
};

/** Creates a bell. Nothing is opened before it is used. */
export function createBell(): Bell {
  let context: AudioContext | undefined;
  let rangAt = 0;

  function wake(then: (opened: AudioContext) => void): void {
    context ||= optional(() => new AudioContext());
    const opened = context;
    if (opened === undefined) return;
    // [no device, no permission] It stays silent.
    if (opened.state === "running") then(opened);
    else
      opened.resume().then(
        () => then(opened),
        () => undefined,
      );
  }

  return {
    ring(isMention) {
      const now = Date.now();
      if (Math.abs(now - rangAt) < APART_MS) return;
      rangAt = now;
      wake((opened) => {
        if (Date.now() - now < LATE_MS) play(opened, isMention ? NOTES_OF_MENTION : NOTES);
      });
    },
    unlock: () => wake(rest),
  };
}

function play(context: AudioContext, notes: number[]): void {
  notes.forEach((hertz, n) => {
    const at = context.currentTime + n * NOTE_SECONDS;
    const end = at + NOTE_SECONDS * 2;
    const volume = context.createGain();
    volume.gain.setValueAtTime(LOUDNESS, at);
    volume.gain.exponentialRampToValueAtTime(0.001, end);
    volume.connect(context.destination);
    const note = context.createOscillator();
    note.frequency.value = hertz;
    note.connect(volume);
    note.start(at);
    note.stop(end);
    if (n === notes.length - 1) note.onended = () => rest(context);
  });
}

/** A context that runs keeps a phone's sound hardware awake. */
function rest(context: AudioContext): void {
  context.suspend().catch(() => undefined);
}
