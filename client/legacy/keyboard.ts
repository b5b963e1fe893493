// Whether the pointer is fine cannot be asked here. Where there are touch events, the keyboard may
// cover half of the screen.
const HAS_TOUCH = "ontouchstart" in window;

/** Gives a field the focus, unless that might open a keyboard on the screen. */
export function takeFocus(field: PageElement): void {
  if (HAS_TOUCH) return;
  try {
    field.focus();
  } catch (_isHidden) {
    // [IE8] It throws for a field that is not shown.
    return;
  }
}

/**
 * Leads every key that writes something to a field, unless it was pressed in another one. The field
 * gets the focus before the browser acts on the key, and so the key's character, too.
 */
export function leadKeysTo(field: PageElement): void {
  document.onkeydown = (event) => {
    const pressed = event || window.event;
    const target = pressed.target || pressed.srcElement;
    if (writes(pressed) && !(target && /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.nodeName))) takeFocus(field);
    return undefined;
  };
}

// Letters, figures, signs, and the beginning of a conversion (229). Of the keys between them, 91 to
// 95 open menus, and 112 to 185 are functions. AltGr counts as Ctrl and Alt, but writes.
function writes({ keyCode, altKey, ctrlKey, metaKey }: KeyEvent): boolean {
  const isSign = (keyCode > 47 && keyCode < 91) || (keyCode > 95 && keyCode < 112) || keyCode > 185;
  return isSign && altKey === ctrlKey && !metaKey;
}
