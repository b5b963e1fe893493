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
  const isTouch = window.matchMedia("(pointer: coarse)").matches;
  if (isTouch && navigator.share !== undefined) {
    navigator.share({ title: document.title, url }).catch((error: Error) => {
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
  if (navigator.clipboard === undefined) byCommand();
  else navigator.clipboard.writeText(address.value).then(copied, byCommand);
}
