import type { Page } from "../page.ts";
import { lasting, optional } from "./browser.ts";
import type { AlertChoice, AlertChoices, ChoiceStore } from "./choices.ts";
import type { TurningList } from "./message-list.ts";
import { isNewestOnTop, turnPage } from "./order.ts";
import { part } from "./part.ts";
import type { Bell } from "./sound.ts";

const YEAR_SECONDS = 31_536_000;

/** The parts of the page that the reader's choices concern. */
export type SettingsViews = { choices: ChoiceStore; bell: Bell; list: Pick<TurningList, "turn" | "fit"> };

/**
 * Brings the reader's settings to life: what is chosen holds at once. Without script, the form
 * itself stores the order and the number of lines.
 */
export function openSettings(page: Page, { choices, bell, list }: SettingsViews): void {
  const panel = part<HTMLDetailsElement>("settings");
  const order = part<HTMLSelectElement>("order");
  const lines = part<HTMLSelectElement>("lines");
  order.value = isNewestOnTop() ? "newest" : "oldest";
  lines.value = String(page.lines || "auto");
  order.addEventListener("change", () => {
    remember(page, "order", order.value);
    if ((order.value === "newest") === isNewestOnTop()) return;
    turnPage();
    list.turn();
  });
  lines.addEventListener("change", () => {
    remember(page, "lines", lines.value);
    page.lines = Number(lines.value) || 0;
    list.fit();
  });
  openAlertChoices(page, choices, bell);
  for (const element of panel.querySelectorAll<HTMLElement>(".by-script")) element.hidden = false;
  for (const element of panel.querySelectorAll<HTMLElement>("[type=submit]")) element.hidden = true;
  closeByPress(panel);
}

/** Stores a choice for the server, which shows the first lines. */
function remember({ address: { base } }: Page, name: string, value: string): void {
  optional(() => {
    // biome-ignore lint/suspicious/noDocumentCookie: The Cookie Store is not in all browsers.
    document.cookie = `${name}=${value}; path=${base || "/"}; max-age=${YEAR_SECONDS}; samesite=lax`;
  });
}

function openAlertChoices(page: Page, choices: ChoiceStore, bell: Bell): void {
  const sound = part<HTMLSelectElement>("sound");
  const notify = part<HTMLSelectElement>("notify");
  const note = part("settings-note");
  const show = () => {
    const now = choices.read();
    sound.value = now.sound;
    notify.value = now.notify;
    note.textContent = obstacle(page, now);
  };
  const choose = (changed: Partial<AlertChoices>) => {
    choices.write(changed);
    show();
  };
  sound.addEventListener("change", () => {
    choose({ sound: sound.value as AlertChoice });
    if (sound.value !== "off") bell.ring(false);
  });
  notify.addEventListener("change", () => {
    const chosen = notify.value as AlertChoice;
    choose({ notify: chosen });
    if (chosen !== "off") void askPermission().then(show);
  });
  choices.onChange(show);
  part("settings").addEventListener("toggle", show);
  show();
}

/** Says why there are no notifications, if the reader has chosen them. */
function obstacle({ words }: Page, { notify }: AlertChoices): string {
  if (notify === "off") return "";
  const permission = optional(() => Notification.permission);
  if (permission === undefined || !isSecureContext) return words.notifyMissing;
  return permission === "denied" ? words.notifyDenied : "";
}

async function askPermission(): Promise<void> {
  // [Safari before 15.4, policies] It may throw, or return nothing.
  try {
    await Notification.requestPermission();
  } catch {
    return;
  }
}

/** Closes the panel by Escape, and by a press outside of it. */
function closeByPress(panel: HTMLDetailsElement): void {
  // The focus may be in the field of the message.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !panel.open) return;
    panel.open = false;
    if (panel.contains(document.activeElement)) panel.querySelector("summary")?.focus();
  });
  document.addEventListener(
    "pointerdown",
    ({ target }) => {
      if (panel.open && target instanceof Node && !panel.contains(target)) panel.open = false;
    },
    lasting(),
  );
}
