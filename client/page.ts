import type { Member } from "../protocol/event.ts";
import type { Address } from "./core/base/address.ts";
import type { Ignored } from "./ignored.ts";
import type { WhisperPlaces } from "./whispers.ts";
import type { ScriptWords } from "./words.ts";

/** The data that the server writes into a room's page for the script, and that of the browser. */
export type Page = {
  room: string;
  address: Address;
  /** Where to continue reading, and the last seq on the page, -1 if the log was empty. */
  cursor: string;
  lastSeq: number;
  /** The last seq of the reader's inbox on the page, and where its whispers belong in the log. */
  lastWhisper: number;
  places: WhisperPlaces;
  me: Member;
  /** Whether this visitor has entered the room. */
  present: boolean;
  /** The server's name for the network that the page came through, "" if there is none. */
  network: string;
  hasOlder: boolean;
  /** The number of lines that the reader has chosen, 0 if they leave it to the page. */
  lines: number;
  /** Whether the page came with the newest line on top. */
  isTurned: boolean;
  /** For how many minutes one's own message can be edited and erased. */
  editMinutes: number;
  /** The people whom the reader ignores. */
  ignored: Ignored;
  /** Members may enter and leave without a line in the log. */
  allowsSilence: boolean;
  /** The reader may erase messages of others here, and silence, remove and shut out people. */
  moderates: boolean;
  words: ScriptWords;
};
