import { optional } from "./browser.ts";
/**
 * Shows a page of this site in place of the document's body, without loading it, so that the script
 * goes on with what it has in memory. `run` brings the new body to life. If the page cannot be
 * read, the browser loads it.
 */
export function showPage(url: string, run: () => void): void {
  fetch(url)
    .then((answer) => answer.text())
    .then((text) => {
      const { body, title } = new DOMParser().parseFromString(text, "text/html");
      // The parser takes this document for one without script.
      for (const element of body.querySelectorAll("noscript")) element.remove();
      document.body.replaceWith(body);
      document.title = title;
      if (location.pathname !== url) optional(() => history.pushState(null, "", url));
      // This document cannot become the one before it again.
      window.addEventListener("popstate", () => location.reload());
      run();
    })
    .catch(() => location.assign(url));
}
