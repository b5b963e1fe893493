/** Returns the list without an item. [ES3] has no filter. */
export function without<Item>(list: Item[], gone: Item): Item[] {
  const rest: Item[] = [];
  for (let i = 0; i < list.length; i++) if (list[i] !== gone) rest.push(list[i] as Item);
  return rest;
}
