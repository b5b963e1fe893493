import { matchesMedia, optional } from "./browser.ts";
/**
 * Opens the button next to an address, which shares it where the browser can, and else copies it.
 * The button says that it is copied.
 */
export function openShare(box: Element): void {
  const address = box.querySelector("input");
  const button = box.querySelector("button");
  if (address === null || button === null) return;
  const label = button.textContent;
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  address.addEventListener("focus", () => address.select());
  button.addEventListener("click", () => {
    share(address, () => {
      button.textContent = button.dataset.copied || label;
      setTimeout(() => {
        button.textContent = label;
      }, SHOWN_MS);
    });
  });
}

const SHOWN_MS = 3_000;

// A phone's list of apps is what one wants there. A desktop's is in the way of copying.
function share(address: HTMLInputElement, copied: () => void): void {
  const url = address.value;
  const shared = matchesMedia("(pointer: coarse)") && optional(() => navigator.share?.({ title: document.title, url }));
  if (shared) {
    shared.catch((error: Error) => {
      if (error.name !== "AbortError") copy(address, copied);
    });
  } else copy(address, copied);
}

// [http] Without TLS, a page has no clipboard but the old command.
function copy(address: HTMLInputElement, copied: () => void): void {
  const byCommand = () => {
    address.select();
    if (document.execCommand("copy")) copied();
  };
  const written = optional(() => navigator.clipboard?.writeText(address.value));
  if (written === undefined) byCommand();
  else written.then(copied, byCommand);
}
