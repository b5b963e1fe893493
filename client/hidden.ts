/** Returns whether the page is hidden; false outside of a page, and if the browser does not say. */
export function isHidden(): boolean {
  // It may not only be absent: where an extension or a policy forbids it, it throws.
  try {
    return document.hidden === true;
  } catch (_unknown) {
    return false;
  }
}
