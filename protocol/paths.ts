/**
 * All URL paths of the site, relative to its base path. Every query parameter may also be written
 * into the path, as `;name=value` after the last segment, because some networks strip queries.
 */
export const PATHS = {
  lobby: "/",
  room: (slug: string) => `/rooms/${segment(slug)}`,
  message: (slug: string, seq: number | ":seq") => `/rooms/${segment(slug)}/${seq}`,
  changePage: (slug: string, seq: number | ":seq") => `/rooms/${segment(slug)}/${seq}/change`,
  renamePage: (slug: string) => `/rooms/${segment(slug)}/rename`,
  searchPage: (slug: string) => `/rooms/${segment(slug)}/search`,
  logText: (slug: string) => `/rooms/${segment(slug)}/log.txt`,
  live: (slug: string) => `/rooms/${segment(slug)}/live`,
  liveSign: (slug: string) => `/rooms/${segment(slug)}/live/sign`,
  doctor: "/doctor",
  doctorEcho: "/api/doctor/echo",
  doctorStream: "/api/doctor/stream",
  manifest: "/manifest.webmanifest",
  robots: "/robots.txt",
  favicon: "/favicon.ico",
  embedScript: "/embed.js",
  asset: (file: string) => `/assets/${file}`,
  openApi: "/api/openapi.json",
  session: "/api/session",
  sessionEnd: "/api/session/end",
  sessionTicket: "/api/session/ticket",
  rooms: "/api/rooms",
  roomState: (slug: string) => `/api/rooms/${segment(slug)}`,
  members: (slug: string) => `/api/rooms/${segment(slug)}/members`,
  enter: (slug: string) => `/api/rooms/${segment(slug)}/enter`,
  leave: (slug: string) => `/api/rooms/${segment(slug)}/leave`,
  typing: (slug: string) => `/api/rooms/${segment(slug)}/typing`,
  settings: (slug: string) => `/api/rooms/${segment(slug)}/settings`,
  roles: (slug: string) => `/api/rooms/${segment(slug)}/roles`,
  claim: (slug: string) => `/api/rooms/${segment(slug)}/claim`,
  ownerKey: (slug: string) => `/api/rooms/${segment(slug)}/key`,
  password: (slug: string) => `/api/rooms/${segment(slug)}/password`,
  messages: (slug: string) => `/api/rooms/${segment(slug)}/messages`,
  edit: (slug: string, seq: number | ":seq") => `/api/rooms/${segment(slug)}/messages/${seq}/edit`,
  erase: (slug: string, seq: number | ":seq") => `/api/rooms/${segment(slug)}/messages/${seq}/erase`,
  rename: (slug: string) => `/api/rooms/${segment(slug)}/rename`,
  say: (slug: string) => `/api/rooms/${segment(slug)}/say`,
  since: (slug: string) => `/api/rooms/${segment(slug)}/since`,
  durable: (slug: string) => `/api/rooms/${segment(slug)}/durable`,
  search: (slug: string) => `/api/rooms/${segment(slug)}/search`,
  whisper: (slug: string) => `/api/rooms/${segment(slug)}/whisper`,
  whispers: (slug: string) => `/api/rooms/${segment(slug)}/whispers`,
  events: "/api/events",
  stream: "/api/stream",
  frame: "/api/frame",
  poll: "/api/poll",
  here: "/api/here",
} as const;

/** Leaves the router's placeholder unchanged. No slug begins with a colon. */
function segment(slug: string): string {
  return slug === ":room" ? slug : encodeURIComponent(slug);
}
