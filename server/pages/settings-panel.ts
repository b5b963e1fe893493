import { type Html, html, link } from "./html.ts";
import { fill, wordsOf } from "./language.ts";
import type { PageLayout } from "./layout.ts";
import { LINE_CHOICES } from "./log-choice.ts";

/**
 * Renders the reader's settings. Order and lines also work without script. Text browsers would show
 * all of the panel.
 */
export function settingsPanel(layout: PageLayout): Html | false {
  const { settings } = wordsOf(layout.language);
  if (!layout.canOpen) return false;
  return html`<details id="settings" class="settings">
<summary class="button quiet"><span class="settings-title">${settings.title}</span></summary>
<form class="settings-panel" method="get" action="${link(layout.basePath + layout.here)}">
${orderChoice(layout)}
${linesChoice(layout)}
<p class="by-script" hidden>${alertChoice(layout, "sound", settings.sound)}</p>
<p class="by-script" hidden>${alertChoice(layout, "notify", settings.notify)}</p>
<p id="settings-note" class="hint" role="status"></p>
<button class="button small" type="submit">${settings.apply}</button>
</form>
</details>`;
}

function orderChoice(layout: PageLayout): Html {
  const { settings } = wordsOf(layout.language);
  const chosen = layout.view.isNewestOnTop ? "newest" : "oldest";
  return html`<p><label for="order">${settings.order}</label> <select id="order" name="order">${(["oldest", "newest"] as const).map((value) => option(value, { chosen, label: settings.orders[value] }))}</select></p>`;
}

function linesChoice(layout: PageLayout): Html {
  const { settings } = wordsOf(layout.language);
  const chosen = layout.view.lines === 0 ? "auto" : String(layout.view.lines);
  const numbers = LINE_CHOICES.map((n) => option(String(n), { chosen, label: fill(settings.someLines, { n }) }));
  return html`<p><label for="lines">${settings.lines}</label> <select id="lines" name="lines">${option("auto", { chosen, label: settings.autoLines })}${numbers}</select></p>`;
}

/** Has no name: only the script, which keeps it in the browser, can use it. */
function alertChoice(layout: PageLayout, id: string, label: string): Html {
  const { alerts } = wordsOf(layout.language).settings;
  const options = (["off", "mentions", "all"] as const).map((value) =>
    option(value, { chosen: "off", label: alerts[value] }),
  );
  return html`<label for="${id}">${label}</label> <select id="${id}">${options}</select>`;
}

function option(value: string, { chosen, label }: { chosen: string; label: string }): Html {
  return html`<option value="${value}"${value === chosen && html` selected`}>${label}</option>`;
}
