import { fill, type ScriptWords } from "../words.ts";
import type { TextStore } from "./browser-store.ts";

const TYPING_EVERY_MS = 3_000;
// Safari reports the Enter that ends a conversion after the conversion itself. Nobody presses Enter
// twice within 80 ms.
const AFTER_COMPOSITION_MS = 80;
// [lurker#623, VSCodroid#434] Android's keyboards keep every word as a composition up to the next
// space, and send Enter in the middle of it. There, Enter confirms only text that comes from a
// conversion.
const isAndroid = /Android/.test(navigator.userAgent);
const CONVERTED = /[\u3040-\u312f\u3400-\u9fff]/;

/**
 * The effects of a composer: it keeps the draft, sends the text, and now and then signals typing.
 */
export type ComposerUse = { draft: TextStore; say(text: string): void; typing(): void };

/** Brings the form in which a message is written to life. */
export function createComposer(form: HTMLFormElement, words: ScriptWords, use: ComposerUse): void {
  const field = form.elements.namedItem("text") as HTMLTextAreaElement;
  let typedAt = 0;
  if (field.value === "") field.value = use.draft.load();
  fitHeight(field);
  field.addEventListener("input", () => {
    use.draft.save(field.value);
    field.setCustomValidity("");
    fitHeight(field);
    if (field.value === "" || Date.now() - typedAt < TYPING_EVERY_MS) return;
    typedAt = Date.now();
    use.typing();
  });
  onEnter(field, submit);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });

  function submit(): void {
    const text = field.value.trim();
    if (text === "") return;
    const excess = Array.from(text).length - Number(field.dataset.length);
    if (excess > 0) {
      field.setCustomValidity(fill(words.tooLong, { n: excess }));
      field.reportValidity();
      return;
    }
    field.value = "";
    use.draft.save("");
    typedAt = 0;
    fitHeight(field);
    document.getElementById("problem")?.remove();
    use.say(text);
  }
}

/** Calls back at each Enter that does not confirm a conversion. */
function onEnter(field: HTMLTextAreaElement, run: () => void): void {
  let composed = "";
  let composedAt = 0;
  field.addEventListener("compositionupdate", (event) => {
    composed = event.data;
  });
  field.addEventListener("compositionend", (event) => {
    composedAt = event.timeStamp;
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    if (confirms(event)) return;
    event.preventDefault();
    run();
  });

  // [cinny#2103, UI Events 5.2] At an Enter that confirms a Japanese conversion, one of these three
  // conditions holds in each browser.
  function confirms(event: KeyboardEvent): boolean {
    const isOne = event.isComposing || event.keyCode === 229 || event.timeStamp - composedAt < AFTER_COMPOSITION_MS;
    return isOne && (!isAndroid || CONVERTED.test(composed));
  }
}

// For browsers without `field-sizing: content`. The style sheet limits the height.
function fitHeight(field: HTMLTextAreaElement): void {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}
