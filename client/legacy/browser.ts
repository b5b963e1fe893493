import type { Environment } from "../core/base/environment.ts";
import type { Http } from "../core/base/http.ts";
import { json } from "./json.ts";
import { ask } from "./xhr.ts";

/** The core's clock, chance and timers. */
export const browser: Environment = {
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
