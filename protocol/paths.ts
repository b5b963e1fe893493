/**
 * Every URL path of the site, once. All stand under the site's base path. What may stand in a query may stand in the
 * path as well, as `;name=value` after the last segment: some networks strip queries.
 */
export const PATHS = {
  lobby: "/",
  room: (slug: string) => `/rooms/${encodeURIComponent(slug)}`,
  asset: (file: string) => `/assets/${file}`,
  session: "/api/session",
  sessionEnd: "/api/session/end",
  rooms: "/api/rooms",
  roomState: (slug: string) => `/api/rooms/${encodeURIComponent(slug)}`,
  enter: (slug: string) => `/api/rooms/${encodeURIComponent(slug)}/enter`,
  leave: (slug: string) => `/api/rooms/${encodeURIComponent(slug)}/leave`,
  typing: (slug: string) => `/api/rooms/${encodeURIComponent(slug)}/typing`,
  messages: (slug: string) => `/api/rooms/${encodeURIComponent(slug)}/messages`,
  say: (slug: string) => `/api/rooms/${encodeURIComponent(slug)}/say`,
  events: "/api/events",
  poll: "/api/poll",
} as const;
