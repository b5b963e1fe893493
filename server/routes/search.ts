import type { Context } from "koa";
import { type FoundMessages, searchMessages } from "../../db/log/search.ts";
import { SEARCH_LENGTH, SEARCH_WORDS } from "../../protocol/limits.ts";
import { PATHS } from "../../protocol/paths.ts";
import type { Tail } from "../delivery/tail.ts";
import { createTurns } from "../delivery/turns.ts";
import { networksOf } from "../guard/address.ts";
import { answer } from "../http/answer.ts";
import { roomOf } from "../http/find-room.ts";
import { firstSeenBy } from "../http/first-seen.ts";
import { inputOf } from "../http/input.ts";
import { pageLayout } from "../http/page-layout.ts";
import { payerOf } from "../http/payer.ts";
import type { Route } from "../http/route.ts";
import { renderSearch } from "../pages/search.ts";
import { refuse } from "../refusal.ts";
import { searchPageRequest, searchRequest } from "../requests.ts";
import { readSearch } from "../rooms/search-text.ts";
import type { Site } from "../site.ts";
import { chooseLanguage, showPage } from "./pages.ts";

type AskedSearch = { words: string[]; before?: number | undefined; limit: number };

/** Two searches at a time cannot starve posting of database connections. */
const AT_A_TIME = 2;

/** Returns the routes that find messages of a room: for programs, and as a page with its form. */
export function searchRoutes(site: Site): Route[] {
  const turns = createTurns(AT_A_TIME);
  return [
    {
      method: "GET",
      path: PATHS.search(":room"),
      guards: { api: true, auth: "token", cookie: "counts", jsonp: true },
      handle: answerSearch,
    },
    {
      method: "GET",
      path: PATHS.searchPage(":room"),
      guards: { page: true, auth: "token", cookie: "counts", limit: "reads" },
      handle: showSearch,
    },
  ];

  async function answerSearch(ctx: Context): Promise<void> {
    const { text, ...part } = inputOf(ctx).read(searchRequest);
    const words = readSearch(text);
    if (words === undefined)
      throw refuse("malformed", `text: 1 to ${SEARCH_WORDS} words, at most ${SEARCH_LENGTH} characters`);
    const { events, rest } = await find(ctx, await roomOf(ctx, site, "read"), { words, ...part });
    answer(ctx, { events, ...(rest && { next: rest.before, since: rest.at }) });
  }

  async function showSearch(ctx: Context): Promise<void> {
    if (chooseLanguage(ctx)) return;
    const { text, ...part } = inputOf(ctx).read(searchPageRequest);
    const tail = await roomOf(ctx, site, "read");
    const words = text === undefined ? undefined : readSearch(text);
    const found = words && (await find(ctx, tail, { words, ...part }));
    const room = { slug: tail.slug, title: tail.title };
    showPage(ctx, renderSearch(pageLayout(ctx, site), { room, text, words, found }));
  }

  async function find(ctx: Context, tail: Tail, asked: AskedSearch): Promise<FoundMessages> {
    const { words, before = Number.MAX_SAFE_INTEGER, limit } = asked;
    const payer = payerOf(ctx);
    site.limits.searches.take(payer);
    const network = networksOf(payer.address).at(-1) as string;
    const first = await firstSeenBy(ctx, site, tail);
    const found = await turns(network, () => searchMessages(site.db, { roomId: tail.id, words, before, limit }));
    if (first === 1) return found;
    const events = found.events.filter(({ seq }) => seq >= first);
    const { rest } = found;
    return rest !== undefined && rest.before > first ? { events, rest } : { events };
  }
}
