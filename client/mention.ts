/** Returns what names a person in a text. `before` is the text before it. */
export function mentionOf(nickname: string, before: string): string {
  return `${/[^\s\u00a0\u3000]$/.test(before) ? " " : ""}@${nickname} `;
}
