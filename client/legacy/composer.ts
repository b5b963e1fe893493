/** The form in which a message is written; `say` is given the text. */
export function openComposer(form: PageElement, say: (text: string) => void): void {
  const field = form.getElementsByTagName("textarea")[0] as PageElement;

  field.onkeydown = (event) => {
    const { keyCode, shiftKey, ctrlKey, altKey, metaKey } = event || window.event;
    // The Enter that confirms a Japanese conversion has the code 229.
    if (keyCode !== 13 || shiftKey || ctrlKey || altKey || metaKey) return undefined;
    return submit();
  };
  form.onsubmit = submit;

  function submit(): false {
    const text = field.value.replace(/\r/g, "").replace(/^\s+|\s+$/g, "");
    if (text !== "") {
      field.value = "";
      say(text);
    }
    return false;
  }
}
