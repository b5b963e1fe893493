import { imageOf, wordsOf } from "./skeleton.ts";
import { isStandIn, SIGNS } from "./stand-ins.ts";

/** The names that nobody may take. They are compared by their looks. */
export type Reserved = {
  /**
   * Returns whether readers could take this nickname for the staff, the site, or one of the site's
   * own lines.
   */
  hasNickname(nickname: string): boolean;
  /** Returns whether readers could take this slug or title for one of the site's own rooms. */
  hasRoom(name: string): boolean;
};

/** Reserves the site's own words, and `more` words of its operator. */
export function createReserved(more: string[] = []): Reserved {
  const nicknames = chainOf([...CLAIMS, ...TITLES, ...WORDS, ...more], [...FILLERS, ...VOICE]);
  const rooms = chainOf([...CLAIMS, ...TITLES, ...more], FILLERS);
  return {
    hasNickname: (nickname) => nicknames(textOf(nickname)) || isClaim(nickname) || isLine(nickname),
    hasRoom: (name) => rooms(textOf(name)),
  };
}

/** Words that claim a power anywhere in a name, as in "Bob (admin)". */
const CLAIMS = [
  ...["admin", "admins", "administrator", "administrators", "moderator", "moderators", "sysop", "sysadmin"],
  ...["webmaster", "chattera", "管理人", "管理者", "管理員", "運営者", "モデレーター", "モデレータ", "アドミン"],
  ...["カンリニン", "カンリシャ"],
];

/**
 * Words that nobody may take alone, decorated or joined to each other, as a nickname or for a room.
 */
const TITLES = [
  ...["system", "operator", "operators", "staff", "official"],
  ...["運営", "ウンエイ", "公式", "コウシキ", "スタッフ", "システム", "オペレーター", "オペレータ"],
];

/** Words that nobody may take as a nickname. A room may well be about servers, mods or support. */
const WORDS = [
  ...["server", "mod", "mods", "owner", "owners", "support", "root", "superuser", "postmaster"],
  ...["notice", "notices", "announcement", "announcements"],
  ...["サーバー", "サーバ", "サポート", "オーナー", "お知らせ", "オシラセ", "告知"],
];

/** Words that change nothing about the others. */
const FILLERS = [
  ...["the", "site", "chat", "team", "account", "bot", "サイト", "チャット", "チーム", "アカウント"],
  ...["real", "true", "super", "head", "chief", "lead", "senior", "vice", "co", "my", "our", "your", "xx"],
  ...["さん", "さま", "様", "副", "元", "新", "真", "総", "者", "人", "部", "室", "長", "局", "課", "係", "側", "の"],
  ...["です", "だよ", "より", "から", "事務局", "本部", "担当", "代表", "一同"],
];

/** Fillers of nicknames only: "System message". A room may well be about system errors. */
const VOICE = [
  ...["message", "messages", "alert", "alerts", "warning", "error", "log", "info", "information", "news", "update"],
  ...["メッセージ", "通知", "連絡", "警告", "エラー", "ログ", "情報"],
];

/**
 * The words that pages write after a name when somebody enters, leaves or has another name or color
 * (server/pages/words/en.ts, ja.ts), and similar words.
 */
const LINE_ENDS = [
  ...["entered", "left", "joined"].flatMap((word) => [word, `${word} the room`, `${word} the chat`]),
  ...["has a new color", "has a new name", "was erased"],
];
const LINE_ENDS_JA = ["入室", "退室", "退出", "改名", "色を変更", "名前を変更"].flatMap((word) =>
  ["", "した", "しました"].map((end) => word + end),
);
/** These precede a name that a rename line ends with. */
const LINE_MIDDLE = "is the new name of";
/** A roll, `2d6 = 7`. */
const ROLL = /(?:^|[^\p{L}\p{N}])\d*d\d+\s*(?:[+-]\s*\d+\s*)?=/u;

/** Japanese has no spaces between words. */
const CLAIM_KEYS_JA = keysOf(CLAIMS.filter((word) => /[^a-z]/.test(word)));
const CLAIM_KEYS = keysOf(CLAIMS.filter((word) => /[a-z]/.test(word)));
const LINE_KEYS = LINE_ENDS.map((end) => wordsOf(end).join(" "));
const MIDDLE_KEY = wordsOf(LINE_MIDDLE).join(" ");
const LINE_KEYS_JA = LINE_ENDS_JA.map((end) => wordsOf(end).join(""));

const isClaimWord = chainOf(CLAIMS, FILLERS);

function isClaim(nickname: string): boolean {
  const text = textOf(nickname);
  if (CLAIM_KEYS_JA.some((key) => Array.from(text, (_, at) => at).some((at) => matches(text, key, at)))) return true;
  // BobAdmin counts as two words too.
  const words = [nickname, nickname.replace(/(?<=\p{Ll})(?=\p{Lu})/gu, " "), joinLetters(nickname)].flatMap((text) =>
    readingsOf(text),
  );
  return words.some((word) => isClaimWord(word) || isGlued(word));
}

/** Makes one word of letters with gaps: "Bob a.d.m.i.n". */
function joinLetters(name: string): string {
  return name.replace(/(?<=(?<![\p{L}\p{M}])\p{L})[^\p{L}\p{N}\p{M}]+(?=\p{L}(?![\p{L}\p{M}]))/gu, "");
}

/** Returns whether a word begins or ends with a claim. Madmin and Vladmin are names. */
function isGlued(word: string): boolean {
  return CLAIM_KEYS.some((key) => {
    const at = word.length - key.length;
    return matches(word, key, 0) || (at >= 3 && matches(word, key, at));
  });
}

/** Returns whether a name reads like a line of the log: "bob entered", "花子 入室", "bob: hello". */
function isLine(nickname: string): boolean {
  const line = wordsOf(nickname).join(" ");
  const hasEnd = LINE_KEYS.some((end) => line.endsWith(` ${end}`)) || LINE_KEYS_JA.some((end) => line.endsWith(end));
  const isRename = ` ${line} `.includes(` ${MIDDLE_KEY} `);
  return hasEnd || isRename || isRoll(nickname) || hasQuote(nickname);
}

function isRoll(nickname: string): boolean {
  return ROLL.test(nickname.normalize("NFKC").toLowerCase());
}

/**
 * Finds a colon with a space after it, or with a space before it and a word after it, as :D is a
 * smile. The fullwidth colon has its space in it.
 */
function hasQuote(nickname: string): boolean {
  const chars = [...nickname];
  return chars.some((char, at) => {
    const [before = "", next = "", second = ""] = [chars[at - 1], chars[at + 1], chars[at + 2]];
    if (next === "" || imageOf(char) !== ":") return false;
    return /\s/.test(next) || WIDE_COLON.test(char) || (/\s/.test(before) && /^[\p{L}\p{N}]{2}/u.test(next + second));
  });
}

const WIDE_COLON = /[\ufe13\ufe30\uff1a]/;

/**
 * Returns a test: is a text a chain of reserved words and fillers, at least one of them reserved?
 * Digits and signs are fillers, as in admin123.
 */
function chainOf(reserved: string[], fillers: string[]): (text: string) => boolean {
  const keys = keysOf(reserved);
  const fillerKeys = keysOf(fillers);
  return (text) => {
    // Where a chain can end, and whether one that ends there has a reserved word.
    const ends = new Map([[0, false]]);
    for (let from = 0; from < text.length; from += 1) {
      const before = ends.get(from);
      if (before === undefined) continue;
      const skip = (length: number) => ends.set(from + length, before || ends.get(from + length) === true);
      for (const key of keys) if (matches(text, key, from)) ends.set(from + key.length, true);
      for (const key of fillerKeys) if (matches(text, key, from)) skip(key.length);
      if (SIGNS.includes(text[from] as string)) skip(1);
    }
    return ends.get(text.length) === true;
  };
}

/** Returns whether a text reads like `key` at this place. */
function matches(text: string, key: string, from: number): boolean {
  if (from + key.length > text.length) return false;
  for (let at = 0; at < key.length; at += 1) {
    const char = text[from + at] as string;
    if (char !== key[at] && !isStandIn(char, key[at] as string)) return false;
  }
  return true;
}

function keysOf(words: string[]): string[] {
  // These are オーナ alone, and オーナー before さん.
  const keys = words.flatMap((word) => [textOf(word), readingsOf(word, (part) => part).join("")]);
  return [...new Set(keys)].filter((key) => key !== "");
}

function textOf(name: string): string {
  return readingsOf(name).join("");
}

/**
 * Returns the words of a name as they are compared here, with hiragana as katakana. The images of m
 * and w, rn and vv, become one character again, as stand-ins are single characters.
 */
function readingsOf(name: string, trim: (word: string) => string = trimDashes): string[] {
  const katakana = name.replace(/[\u3041-\u3096]/g, (kana) => String.fromCharCode(kana.charCodeAt(0) + 0x60));
  return wordsOf(katakana, SIGNS).map((word) => trim(word).replaceAll("rn", "m").replaceAll("vv", "w"));
}

/** A dash around a Japanese word looks like ー, and no word loses its meaning without it. */
function trimDashes(word: string): string {
  return word.replace(/^ー+|ー+$/g, "");
}
