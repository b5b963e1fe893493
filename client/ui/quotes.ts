const MARKED_MS = 2_000;

/** Shows the message of a quote in the log, if it has it. Else the link opens it. */
export function connectQuotes(log: HTMLElement): void {
  log.addEventListener("click", (event) => {
    const { target, ctrlKey, metaKey, shiftKey } = event;
    const quote = target instanceof Element ? target.closest<HTMLElement>(".quote") : null;
    const line = quote && log.querySelector<HTMLElement>(`.message[data-seq="${quote.dataset.reply}"]`);
    if (!line || ctrlKey || metaKey || shiftKey) return;
    event.preventDefault();
    line.tabIndex = -1;
    line.scrollIntoView({ block: "center" });
    line.focus({ preventScroll: true });
    line.classList.add("marked");
    setTimeout(() => line.classList.remove("marked"), MARKED_MS);
  });
}
