import type { Ask } from "./hands.ts";

/** A frame shows what it has; looking twenty times a second tells half a second's frames from each other. */
const LOOK_MS = 50;

/** Asks by an iframe out of sight, and looks at what stands in it. */
export const askIframe: Ask = (question, done) => {
  const frame = document.createElement("iframe");
  let leftMs = question.timeoutMs;
  frame.title = "doctor";
  frame.tabIndex = -1;
  frame.setAttribute("aria-hidden", "true");
  frame.style.position = "absolute";
  frame.style.left = "-999px";
  frame.style.width = "1px";
  frame.style.height = "1px";
  frame.src = question.url;
  document.body.appendChild(frame);
  const clock = setInterval(look, LOOK_MS);

  function look(): void {
    leftMs -= LOOK_MS;
    const { text, isComplete } = contentOf(frame);
    if (text !== "" && question.onText !== undefined) question.onText(text);
    const isOver = isComplete || text.indexOf('"end":true') >= 0;
    if (!isOver && leftMs > 0) return;
    clearInterval(clock);
    document.body.removeChild(frame);
    done({
      status: text === "" ? 0 : 200,
      text,
      type: "",
      encoding: "",
      retrySeconds: 0,
      error: isOver ? "" : "timeout",
    });
  }
};

/** What a proxy puts in its place may be of another origin, which is not to be read. */
function contentOf(frame: HTMLIFrameElement): { text: string; isComplete: boolean } {
  try {
    const inner = (frame.contentWindow as Window).document;
    const text = inner.body === null ? "" : inner.body.innerHTML;
    // before the answer comes there is an empty page, which is complete
    return { text, isComplete: inner.readyState === "complete" && text !== "" };
  } catch {
    return { text: "", isComplete: false };
  }
}
