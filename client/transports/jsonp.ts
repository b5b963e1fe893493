import { param } from "../core/base/address.ts";
import type { Ask, Json } from "../core/base/http.ts";
import { environment } from "../environment.ts";

// A script that is loaded has run, or will have within this time.
const RUN_MS = 100;

let asked = 0;

/** [IE6–10] */
type WatchedScript = HTMLScriptElement & { onreadystatechange: (() => void) | null; readyState: string };

/**
 * Creates GETs by script elements, for pages of another origin than the site's, and for old
 * browsers. A script that does not load, or is not the site's own, has the status 0. Refusals are
 * requested with the status 200, since a script cannot read others.
 */
export function createScriptAsk(json: Json): Ask {
  return ({ url, timeoutMs }, done) => {
    const scope = window as unknown as { [name: string]: ((value: unknown) => void) | undefined };
    asked++;
    const name = `chattera${asked}_${environment.now().toString(36)}`;
    const script = document.createElement("script") as WatchedScript;
    let isOver = false;
    const stopTimer = environment.later(timeoutMs, () => settle(0, ""));

    scope[name] = (value) => {
      const { status = 200 } = value as { status?: number };
      settle(status, json.print(value));
    };
    // A login page or an empty answer is loaded as well, and calls nothing.
    const loaded = () => environment.later(RUN_MS, () => settle(0, ""));
    script.onload = loaded;
    script.onerror = () => settle(0, "");
    // [IE6–8] Nothing else reports that a script failed: it is "loaded", or "complete" if that was
    // known before.
    script.onreadystatechange = () => {
      if (script.readyState === "loaded" || script.readyState === "complete") loaded();
    };
    script.src = url + param("callback", name) + param("status", "200");
    document.getElementsByTagName("head")[0]?.appendChild(script);
    return forget;

    function settle(status: number, text: string): void {
      if (isOver) return;
      forget();
      done({ status, text });
    }

    function forget(): void {
      if (isOver) return;
      isOver = true;
      stopTimer();
      script.onload = script.onerror = script.onreadystatechange = null;
      script.parentNode?.removeChild(script);
      // An answer that comes too late must find a function, or the page would show an error. [IE7]
      // `delete` on window throws.
      scope[name] = () => {};
    }
  };
}
