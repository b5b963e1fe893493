import { isHidden } from "../hidden.ts";

/** Whether the reader looks at the page. */
export type Attention = {
  isHere(): boolean;
  /** Calls back when the reader looks at the page again, or no longer. */
  onChange(run: () => void): void;
};

/** Watches the reader's attention. [IE9] It does not know whether a page is hidden. */
export function watchAttention(): Attention {
  const listeners: (() => void)[] = [];
  let isHere = true;
  const become = (here: boolean) => () => {
    isHere = here;
    for (let i = 0; i < listeners.length; i++) (listeners[i] as () => void)();
  };
  window.onblur = become(false);
  window.onfocus = become(true);
  return {
    isHere: () => isHere && !isHidden(),
    onChange(run) {
      listeners.push(run);
    },
  };
}
