import type { MakeRequest } from "./environment.ts";

/**
 * An iframe reports no progress, so it is read 20 times a second: enough for frames half a second
 * apart.
 */
const READ_MS = 50;

/** Makes a request by a hidden iframe and reads its document while it loads. */
export const requestByIframe: MakeRequest = (request, done) => {
  const iframe = document.createElement("iframe");
  let leftMs = request.timeoutMs;
  iframe.title = "doctor";
  iframe.tabIndex = -1;
  iframe.setAttribute("aria-hidden", "true");
  iframe.style.position = "absolute";
  iframe.style.left = "-999px";
  iframe.style.width = "1px";
  iframe.style.height = "1px";
  iframe.src = request.url;
  document.body.appendChild(iframe);
  const timer = setInterval(read, READ_MS);

  function read(): void {
    leftMs -= READ_MS;
    const { text, isComplete } = contentOf(iframe);
    if (text !== "" && request.onText !== undefined) request.onText(text);
    const isOver = isComplete || text.indexOf('"end":true') >= 0;
    if (!isOver && leftMs > 0) return;
    clearInterval(timer);
    document.body.removeChild(iframe);
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

/** A proxy may put a document of another origin there, which cannot be read. */
function contentOf(iframe: HTMLIFrameElement): { text: string; isComplete: boolean } {
  try {
    const inner = (iframe.contentWindow as Window).document;
    const text = inner.body === null ? "" : inner.body.innerHTML;
    // Before the reply arrives, the iframe holds an empty document that is complete.
    return { text, isComplete: inner.readyState === "complete" && text !== "" };
  } catch {
    return { text: "", isComplete: false };
  }
}
