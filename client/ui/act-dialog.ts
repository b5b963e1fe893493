import { PATHS } from "../../protocol/paths.ts";
import { messageActsPath } from "../../protocol/tool-paths.ts";
import type { Page } from "../page.ts";

/**
 * Shows what the reader can do about a message or a person: the forms of the page at `path`, in a
 * dialog. Where it cannot be shown, the browser opens the page.
 */
export function openActDialog({ address: { base, token } }: Page, path: string): void {
  const url = base + path;
  const dialog = document.createElement("dialog");
  // [Firefox 97, Safari 15.3] have no dialogs.
  if (!("showModal" in dialog)) {
    location.assign(url);
    return;
  }
  dialog.className = "act-dialog tool";
  dialog.dataset.seq = /\/(\d+)\/acts$/.exec(path)?.[1] || "";
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (!(event.target as Element).closest(".to-room")) return;
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const { name, value } = event.submitter as HTMLButtonElement;
    const fields = new URLSearchParams(new FormData(form) as unknown as URLSearchParams);
    if (name) fields.set(name, value);
    if (token !== undefined) fields.set("token", token);
    show(form.action, { method: "POST", body: fields });
  });
  show(url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });

  function show(address: string, request: RequestInit): void {
    dialog.setAttribute("aria-busy", "true");
    fetch(address, request)
      .then((answer) => answer.text())
      .then((text) => {
        const main = new DOMParser().parseFromString(text, "text/html").querySelector("main");
        dialog.replaceChildren(...(main as HTMLElement).childNodes);
        dialog.setAttribute("aria-busy", "false");
        if (!dialog.isConnected) document.body.append(dialog);
        if (!dialog.open) dialog.showModal();
        const said = dialog.querySelector<HTMLElement>(".done, .problem");
        if (said === null) return;
        // A screen reader reads the element with the focus. The room behind a dialog is silent.
        said.tabIndex = -1;
        said.focus();
      })
      .catch(() => location.assign(url));
  }
}

/** Erases somebody's message as a moderator. Where the request fails, shows the forms instead. */
export function eraseAsModerator(page: Page, seq: number): void {
  const { address, room } = page;
  const { base, token } = address;
  const body = new URLSearchParams({ seq: String(seq), ...(token !== undefined && { token }) });
  const showForms = () => openActDialog(page, messageActsPath(room, seq));
  fetch(`${base}${PATHS.roomState(room)}/erase`, { method: "POST", body }).then(
    ({ ok }) => ok || showForms(),
    showForms,
  );
}
