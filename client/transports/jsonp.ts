import type { Ask, Json } from "../core/base/http.ts";
import { param } from "../core/reading/url.ts";

let asked = 0;

/**
 * GETs by a script element, for pages of another origin than the site's, and for old browsers. A script that does not
 * load says nothing: its answer has the status 0. Refusals are asked for as answers, for a script cannot read others.
 */
export function createScriptAsk(json: Json): Ask {
  return ({ url, timeoutMs }, done) => {
    const scope = window as unknown as { [name: string]: ((value: unknown) => void) | undefined };
    asked++;
    // biome-ignore lint/complexity/useDateNow: [IE7] has no Date.now
    const name = `chattera${asked}_${new Date().getTime().toString(36)}`;
    const script = document.createElement("script");
    let isOver = false;
    const timer = setTimeout(() => settle(0, ""), timeoutMs);

    scope[name] = (value) => {
      const { status = 200 } = value as { status?: number };
      settle(status, json.print(value));
    };
    script.onerror = () => settle(0, "");
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
      clearTimeout(timer);
      script.onerror = null;
      script.parentNode?.removeChild(script);
      // what comes too late must find a function, or the page would show an error [IE7: `delete` on window throws]
      scope[name] = () => {};
    }
  };
}
