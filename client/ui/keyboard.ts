/**
 * Fits the page into the height that a phone's keyboard leaves. Chrome does so automatically
 * (`interactive-widget` in the page's viewport). Safari only shrinks its visual viewport, and would
 * scroll the page away under the field.
 */
export function keepAboveKeyboard(room: HTMLElement): void {
  const viewport = window.visualViewport;
  if (!viewport) return;
  const fit = () => {
    const covered = window.innerHeight - viewport.height;
    // Less than 100 px is the browser's own bar, not a keyboard. A zoomed page is left alone.
    const isKeyboard = covered > 100 && viewport.scale === 1;
    room.style.setProperty("--page-height", isKeyboard ? `${viewport.height}px` : "100dvh");
    if (isKeyboard) window.scrollTo(0, 0);
  };
  viewport.addEventListener("resize", fit);
}
