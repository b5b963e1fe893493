import { imageOf, wordsOf } from "./skeleton.ts";

/** The names that nobody may take. They are compared by what they look like. */
export type Reserved = {
  /** Could readers take this nickname for the staff, the site, or one of the site's own lines? */
  hasNickname(nickname: string): boolean;
  /** Could readers take this slug or title for one of the site's own rooms? */
  hasRoom(name: string): boolean;
};

/** Reserves the site's own words, and `more` words of its operator's. */
export function createReserved(more: string[] = []): Reserved {
  const nicknames = chainOf([...CLAIMS, ...TITLES, ...WORDS, ...more]);
  const rooms = chainOf([...CLAIMS, ...TITLES, ...more]);
  return {
    hasNickname: (nickname) => nicknames(nickname) || isClaim(nickname) || isLine(nickname),
    hasRoom: (name) => rooms(name),
  };
}

/** Words that claim a power wherever they stand, as in "Bob (admin)". */
const CLAIMS = [
  ...["admin", "admins", "administrator", "administrators", "moderator", "moderators", "sysop", "sysadmin"],
  ...["webmaster", "chattera", "管理人", "管理者", "運営者", "モデレーター", "モデレータ", "アドミン"],
];

/** Words that nobody may take alone, decorated or joined to each other, as a nickname or for a room. */
const TITLES = [
  ...["system", "operator", "operators", "staff", "official"],
  ...["運営", "公式", "スタッフ", "システム", "オペレーター", "オペレータ"],
];

/** The same for nicknames. A room may well be about servers, mods or support. */
const WORDS = [
  ...["server", "mod", "mods", "owner", "owners", "support", "root", "superuser", "postmaster"],
  ...["サーバー", "サーバ", "サポート", "オーナー"],
];

/** Words that change nothing about the others. */
const FILLERS = [
  ...["the", "site", "chat", "team", "account", "bot", "サイト", "チャット", "チーム", "アカウント"],
  ...["さん", "さま", "様", "副", "者", "人", "部", "室", "の"],
];

/** What the pages write behind a name when somebody enters or leaves (server/pages/en.ts, ja.ts), and similar words. */
const LINE_ENDS = ["entered", "left", "joined"];
const LINE_ENDS_JA = ["入室", "退室", "退出"].flatMap((word) => ["", "した", "しました"].map((end) => word + end));

const CLAIM_KEYS = keysOf(CLAIMS);
/** Japanese has no spaces between words. */
const CLAIM_KEYS_JA = [...keysOf(CLAIMS.filter((word) => /[^a-z]/.test(word)))];
const FILLER_KEYS = keysOf(FILLERS);
const LINE_KEYS = [...keysOf(LINE_ENDS)];
const LINE_KEYS_JA = [...keysOf(LINE_ENDS_JA)];

function isClaim(nickname: string): boolean {
  const words = wordsOf(nickname).map(trimDashes);
  return words.some((word) => CLAIM_KEYS.has(word)) || CLAIM_KEYS_JA.some((key) => words.join("").includes(key));
}

/** Does a name read like a line of the log: "bob entered", "花子 入室", "bob: hello"? */
function isLine(nickname: string): boolean {
  const line = wordsOf(nickname).join(" ");
  const hasEnd = LINE_KEYS.some((end) => line.endsWith(` ${end}`)) || LINE_KEYS_JA.some((end) => line.endsWith(end));
  return hasEnd || hasQuote(nickname);
}

/** A colon with a space behind it. The fullwidth one has its space in it. */
function hasQuote(nickname: string): boolean {
  const chars = [...nickname];
  return chars.some((char, at) => {
    const next = chars[at + 1];
    return next !== undefined && imageOf(char) === ":" && (/\s/.test(next) || WIDE_COLON.test(char));
  });
}

const WIDE_COLON = /[\ufe13\ufe30\uff1a]/;

/** Returns a test: is a name a chain of reserved words and fillers, at least one of them reserved? */
function chainOf(reserved: string[]): (name: string) => boolean {
  const keys = keysOf(reserved);
  return (name) => {
    const text = wordsOf(name).map(trimDashes).join("");
    // Where a chain can end, and whether one that ends there has a reserved word.
    const ends = new Map([[0, false]]);
    for (let from = 0; from < text.length; from += 1) {
      const before = ends.get(from);
      if (before === undefined) continue;
      for (const key of keys) if (text.startsWith(key, from)) ends.set(from + key.length, true);
      for (const key of FILLER_KEYS)
        if (text.startsWith(key, from)) ends.set(from + key.length, before || ends.get(from + key.length) === true);
    }
    return ends.get(text.length) === true;
  };
}

function keysOf(words: string[]): Set<string> {
  const parts = words.map((word) => wordsOf(word));
  // オーナ alone, and オーナー where さん follows
  const keys = parts.flatMap((part) => [part.map(trimDashes).join(""), part.join("")]);
  return new Set(keys.filter((key) => key !== ""));
}

/** A dash around a Japanese word looks like ー, and no word loses its meaning without it. */
function trimDashes(word: string): string {
  return word.replace(/^ー+|ー+$/g, "");
}
