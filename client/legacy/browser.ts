import type { Http } from "../core/http.ts";
import type { Outside } from "../core/outside.ts";
import { json } from "./json.ts";
import { ask } from "./xhr.ts";

/** The core's clock, chance and timers. */
export const browser: Outside = {
  // biome-ignore lint/complexity/useDateNow: [IE8] has no Date.now
  now: () => new Date().getTime(),
  random: window.Math.random,
  later(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** The core's requests. */
export const http: Http = { ask, json };
