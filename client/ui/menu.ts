/**
 * An item of a menu. Its run returns true if the menu is to stay open. `className` is for the style
 * sheet.
 */
export type MenuItem = { label: string; className?: string; run(item: HTMLElement): unknown };

/** A menu that is open. */
type OpenMenu = { button: HTMLElement; menu: HTMLElement; bounds: Element };

const GAP_PX = 4;

let open: OpenMenu | undefined;

/** Returns a button that opens a menu [ARIA APG, menu button]. */
export function createMenuButton(label: string): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "menu-button";
  button.setAttribute("aria-label", label);
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  return button;
}

/**
 * Opens the menu of a button, or closes it. While it is open, it has the focus, and it stays within
 * the bounds.
 */
export function toggleMenu(button: HTMLElement, items: MenuItem[], bounds: Element): void {
  const isOpen = open?.button === button;
  closeMenu();
  if (isOpen) return;
  const menu = document.createElement("div");
  menu.className = "menu";
  menu.setAttribute("role", "menu");
  menu.setAttribute("aria-label", button.getAttribute("aria-label") || "");
  for (const item of items) menu.append(createItem(item));
  menu.addEventListener("keydown", move);
  menu.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget instanceof Node && !menu.contains(relatedTarget)) closeMenu();
  });
  open = { button, menu, bounds };
  button.after(menu);
  // Nothing cuts it off in the top layer. [Chromium 113, Firefox 124, Safari 16] have none.
  if ("showPopover" in menu) {
    menu.popover = "manual";
    menu.showPopover();
  }
  button.setAttribute("aria-expanded", "true");
  document.addEventListener("pointerdown", closeOutside);
  document.addEventListener("scroll", place, true);
  window.addEventListener("resize", place);
  place();
  (menu.firstElementChild as HTMLElement).focus({ preventScroll: true });
}

/** Closes the menu that is open, if one is. */
function closeMenu(): void {
  if (open === undefined) return;
  const { button, menu } = open;
  open = undefined;
  document.removeEventListener("pointerdown", closeOutside);
  document.removeEventListener("scroll", place, true);
  window.removeEventListener("resize", place);
  menu.remove();
  button.setAttribute("aria-expanded", "false");
}

function createItem({ label, className = "", run }: MenuItem): HTMLElement {
  const item = document.createElement("button");
  item.type = "button";
  item.tabIndex = -1;
  item.className = className;
  item.setAttribute("role", "menuitem");
  item.textContent = label;
  item.addEventListener("click", () => {
    const { button } = open as OpenMenu;
    const hadFocus = document.activeElement === item;
    if (run(item) === true) return;
    const isMoved = document.activeElement !== item && document.activeElement !== document.body;
    closeMenu();
    if (!hadFocus || isMoved) return;
    // The line of a person who is ignored from now on is gone.
    const next = button.isConnected ? button : document.getElementById("text") || document.getElementById("scroll");
    next?.focus({ preventScroll: true });
  });
  return item;
}

function move(event: KeyboardEvent): void {
  const { button, menu } = open as OpenMenu;
  const items = Array.from(menu.children) as HTMLElement[];
  const index = items.indexOf(document.activeElement as HTMLElement);
  const next = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: -1 }[event.key];
  if (next !== undefined) {
    items[(next + items.length) % items.length]?.focus();
    event.preventDefault();
  } else if (event.key === "Escape" || event.key === "Tab") {
    closeMenu();
    // Tab goes on from here.
    button.focus({ preventScroll: true });
  }
  // The log has keys of its own.
  event.stopPropagation();
}

function closeOutside({ target }: Event): void {
  if (open === undefined || !(target instanceof Node)) return;
  // A press on the button itself closes the menu by its click.
  if (!open.menu.contains(target) && !open.button.contains(target)) closeMenu();
}

/** Places the menu below its button, or above it if there is more room. */
function place(): void {
  if (open === undefined) return;
  const { button, menu, bounds } = open;
  const { style } = menu;
  // Where nothing is moved, the menu is at the origin of the box that it is placed in.
  style.left = style.top = "0";
  style.maxHeight = "";
  const origin = menu.getBoundingClientRect();
  const at = button.getBoundingClientRect();
  const { top, bottom, left, right } = bounds.getBoundingClientRect();
  const [above, below] = [at.top - top - GAP_PX, bottom - at.bottom - GAP_PX];
  const isBelow = below >= origin.height || below >= above;
  const height = Math.min(origin.height, Math.max(above, below));
  style.maxHeight = `${height}px`;
  const x = Math.max(left, Math.min(at.right, right) - origin.width);
  const y = isBelow ? at.bottom + GAP_PX : at.top - GAP_PX - height;
  style.left = `${x - origin.left}px`;
  style.top = `${y - origin.top}px`;
}
