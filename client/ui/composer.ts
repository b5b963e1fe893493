import type { TextStore } from "./browser-store.ts";
import { fill, type Words } from "./words.ts";

const TYPING_EVERY_MS = 3_000;
// Safari tells of the Enter that ends a conversion after the conversion has ended; nobody presses it twice so fast.
const AFTER_COMPOSITION_MS = 80;
// [lurker#623, VSCodroid#434] Android's keyboards keep every word as a composition up to the next space, and their Enter comes in
// the middle of it: there only what is written by conversion is confirmed by it.
const isAndroid = /Android/.test(navigator.userAgent);
const CONVERTED = /[\u3040-\u312f\u3400-\u9fff]/;

/** The form in which a message is written. `say` is given the text; `typing` is called now and then while one writes. */
export function createComposer(
  form: HTMLFormElement,
  words: Words,
  draft: TextStore,
  use: { say(text: string): void; typing(): void },
): void {
  const field = form.elements.namedItem("text") as HTMLTextAreaElement;
  let composed = "";
  let composedAt = 0;
  let typedAt = 0;

  if (field.value === "") field.value = draft.load();
  fitHeight(field);
  field.addEventListener("compositionupdate", (event) => {
    composed = event.data;
  });
  field.addEventListener("compositionend", (event) => {
    composedAt = event.timeStamp;
  });
  field.addEventListener("input", () => {
    draft.save(field.value);
    field.setCustomValidity("");
    fitHeight(field);
    if (field.value === "" || Date.now() - typedAt < TYPING_EVERY_MS) return;
    typedAt = Date.now();
    use.typing();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    if (confirms(event)) return;
    event.preventDefault();
    submit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });

  /** [cinny#2103, UI Events 5.2] The Enter that confirms a Japanese conversion: one of these three holds in each browser. */
  function confirms(event: KeyboardEvent): boolean {
    const isIts = event.isComposing || event.keyCode === 229 || event.timeStamp - composedAt < AFTER_COMPOSITION_MS;
    return isIts && (!isAndroid || CONVERTED.test(composed));
  }

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
    draft.save("");
    typedAt = 0;
    fitHeight(field);
    document.getElementById("problem")?.remove();
    use.say(text);
  }
}

// For browsers without `field-sizing: content`; the style sheet limits the height.
function fitHeight(field: HTMLTextAreaElement): void {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}
