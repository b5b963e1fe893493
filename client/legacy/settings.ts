import type { Page } from "../page.ts";
import type { OldAlertChoices, OldAlerts } from "./alerts.ts";
import { byId, onClick, part, setText, show } from "./dom.ts";

/**
 * Brings the settings to life. Order and lines are stored by the form itself, which loads the page
 * again.
 */
export function openSettings({ words }: Page, alerts: OldAlerts): void {
  const panel = byId("settings");
  if (panel === undefined) return;
  const form = panel.getElementsByTagName("form")[0] as PageElement;
  const summary = panel.getElementsByTagName("summary")[0] as PageElement;
  // [IE] Without <details>, all of it would be shown.
  if (!("open" in panel)) {
    let isOpen = false;
    show(form, isOpen);
    onClick(summary, () => {
      isOpen = !isOpen;
      show(form, isOpen);
    });
  }
  openChoice("sound", alerts.canRing());
  openChoice("notify", alerts.canNotify());

  function openChoice(name: keyof OldAlertChoices, isPossible: boolean): void {
    const field = part(name);
    show(field.parentNode as PageElement, isPossible);
    field.value = alerts.choices[name];
    field.onchange = () => {
      const done = (isDenied: boolean) => setText(part("settings-note"), isDenied ? words.notifyDenied : "");
      alerts.choose(name, field.value, done);
    };
  }
}
