import type { Context } from "koa";

/** The cookie that carries the key of a new room from the form that made it to the room's page. */
const COOKIE = "chattera-owner-key";

/** The room's page follows at once. */
const CARRIED_MS = 60_000;

/**
 * Sends the owner key of a new room along with the redirect to its page, which shows it. A page can
 * be loaded again and again, and the key is to be shown once.
 */
export function handOverKey(ctx: Context, { slug, key }: { slug: string; key: string }): void {
  setCookie(ctx, `${encodeURIComponent(slug)}:${key}`, CARRIED_MS);
}

/** Returns the owner key that was handed over for a room's page, and forgets it. */
export function takeHandedKey(ctx: Context, slug: string): string | undefined {
  const carried = ctx.cookies.get(COOKIE) ?? "";
  const [room, key] = carried.split(":", 2);
  if (key === undefined || room !== encodeURIComponent(slug)) return undefined;
  setCookie(ctx, "", 0);
  return key;
}

function setCookie(ctx: Context, value: string, maxAge: number): void {
  ctx.cookies.secure = ctx.state.isSecure;
  ctx.cookies.set(COOKIE, value, {
    httpOnly: true,
    sameSite: "lax",
    secure: ctx.state.isSecure,
    path: ctx.state.base || "/",
    overwrite: true,
    maxAge,
  });
}
