/** How a locator narrows its elements down, step by step. */
export type FindStep = { css: string } | { text: string; exact: boolean } | { nth: number };

/**
 * Finds the elements of a locator. It runs in the page, so it may use nothing from outside. In
 * addition to CSS it knows playwright's `:has-text("…")`, `:text-is("…")` and `:text-matches("…")`,
 * also within `:has()`.
 */
export function findElements(steps: FindStep[]): Element[] {
  return steps.reduce<Element[]>(
    (found, step, n) => {
      if ("nth" in step) return found.slice(step.nth).slice(0, 1);
      const inside = (one: Element) => ("css" in step ? byCss(step.css, one) : byText(step, one));
      if (n === 0) return "css" in step ? byCss(step.css, document) : byText(step, document);
      return [...new Set(found.flatMap(inside))];
    },
    [document.documentElement],
  );

  function byText({ text, exact }: { text: string; exact: boolean }, root: ParentNode): Element[] {
    const awaited = spaced(text);
    const fits = (one: Element) => (exact ? textOf(one) === awaited : has(one, awaited));
    // The smallest elements that have the text.
    const all = root instanceof Element ? [root, ...root.querySelectorAll("*")] : [...root.querySelectorAll("*")];
    return all.filter((one) => fits(one) && ![...one.children].some(fits));
  }

  function byCss(selector: string, root: ParentNode): Element[] {
    if (!/:has-text\(|:text-is\(|:text-matches\(/.test(selector)) return [...root.querySelectorAll(selector)];
    const lists = split(selector, ",").map((list) => split(list.trim(), " "));
    return [...root.querySelectorAll("*")].filter((one) => lists.some((list) => endsWith(one, list, list.length - 1)));
  }

  /** Does an element match the compound at `index`, and what is around it the compounds before? */
  function endsWith(one: Element, compounds: string[], index: number): boolean {
    if (!matches(one, compounds[index] as string)) return false;
    if (index === 0) return true;
    const isChild = compounds[index - 1] === ">";
    const before = isChild ? index - 2 : index - 1;
    for (let parent = one.parentElement; parent !== null; parent = parent.parentElement) {
      if (endsWith(parent, compounds, before)) return true;
      if (isChild) return false;
    }
    return false;
  }

  function matches(one: Element, compound: string): boolean {
    const plain = parts(compound).filter(
      (part) => !/^:(has-text|text-is|text-matches)\(|^:has\(.*:(has-text|text-is|text-matches)\(/.test(part),
    );
    const special = parts(compound).filter((part) => !plain.includes(part));
    if (plain.length > 0 && !one.matches(plain.join(""))) return false;
    return special.every((part) => {
      const inner = part.slice(part.indexOf("(") + 1, -1);
      if (part.startsWith(":has(")) return byCss(inner, one).length > 0;
      const text = JSON.parse(inner) as string;
      if (part.startsWith(":text-matches(")) return new RegExp(text).test(textOf(one));
      return part.startsWith(":has-text(") ? has(one, text) : textOf(one) === text;
    });
  }

  /** Splits a compound before each pseudo-class. */
  function parts(compound: string): string[] {
    return split(
      compound.replace(/:(?=has-text\(|text-is\(|text-matches\(|has\()/g, "\n:").replace(/\)(?=[:.[#])/g, ")\n"),
      "\n",
    );
  }

  /** Splits at a character, but not inside of brackets and quotes. */
  function split(text: string, at: string): string[] {
    const pieces = [""];
    let depth = 0;
    let isQuoted = false;
    for (const letter of text) {
      if (letter === '"') isQuoted = !isQuoted;
      else if (!isQuoted && /[([]/.test(letter)) depth += 1;
      else if (!isQuoted && /[)\]]/.test(letter)) depth -= 1;
      if (letter === at && depth === 0 && !isQuoted) pieces.push("");
      else pieces[pieces.length - 1] += letter === "\n" ? "" : letter;
    }
    return pieces.filter((piece) => piece !== "");
  }

  function textOf(one: Element): string {
    return spaced(one.textContent ?? "");
  }

  /** Like playwright, takes any white space for one space, and none at the ends. */
  function spaced(text: string): string {
    return text.replace(/\s+/g, " ").trim();
  }

  function has(one: Element, text: string): boolean {
    return textOf(one).toLowerCase().includes(text.toLowerCase());
  }
}

/** Can a person see an element? It runs in the page. */
export function isShown(element: Element): boolean {
  const { width, height } = element.getBoundingClientRect();
  return width > 0 && height > 0 && getComputedStyle(element).visibility === "visible";
}
