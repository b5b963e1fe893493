import type { Intake } from "./intake.ts";
import { type Link, openLink } from "./link.ts";
import type { Outside } from "./outside.ts";
import type { Reading, Transport } from "./transport.ts";

/** A question beside the stream: what has the log after my cursor, now? One at a time. */
export type CatchUp = {
  /** `answered` is told whether the answer brought something new. */
  ask(answered: (news: boolean) => void): void;
  close(): void;
};

/** Asks by `poll`, whose answers `intake` takes. */
export function createCatchUp(outside: Outside, poll: Transport, reading: () => Reading, intake: Intake): CatchUp {
  let link: Link | undefined;
  return {
    ask(answered) {
      if (link !== undefined) return;
      let news = false;
      link = openLink(
        outside,
        poll,
        reading(),
        { seq: -1, rttMs: 0 },
        {
          stream: intake.stream,
          answer(answer) {
            news = intake.answer(answer);
          },
          heard() {},
          proved() {},
          ended() {
            link = undefined;
            answered(news);
          },
        },
      );
    },
    close() {
      link?.close();
      link = undefined;
    },
  };
}
