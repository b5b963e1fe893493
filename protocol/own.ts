/**
 * Returns whether an object has a property of its own. A script in the page may have added
 * something to every object, which `for … in` visits too.
 */
export function isOwn(object: object, name: string): boolean {
  // biome-ignore lint/suspicious/noPrototypeBuiltins: Old browsers have no Object.hasOwn.
  return Object.prototype.hasOwnProperty.call(object, name);
}
