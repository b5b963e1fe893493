import { isOwn } from "./own.ts";
/**
 * Which parts of a message are links. The server's pages and the scripts of new and old browsers
 * use this one rule, so it is ES3. No link is better than a wrong link: where people would disagree
 * about where an address ends, or about which host it names, there is none. "Links" in
 * docs/protocol.md has the rule in words.
 */

/** A piece of a message. `href` is "" unless the piece is a link. */
export type TextPiece = { text: string; href: string };

/**
 * Splits a message into text and links. A link shows its host in lower case, as a browser reads it:
 * paypaI.example becomes paypai.example.
 */
export function linkedPieces(text: string): TextPiece[] {
  const pieces: TextPiece[] = [];
  let from = 0;
  let next = REVERSED.test(text) ? null : START.exec(text);
  let at = 0;
  while (next !== null) {
    at += next.index;
    const link = (next[0] as string).charAt(0) === "@" ? mailLink(text, at, from) : schemeLink(text, at);
    if (link.href !== "") {
      if (link.start > from) pieces.push({ text: text.slice(from, link.start), href: "" });
      pieces.push({ text: link.text, href: link.href });
      from = link.end;
    }
    at = link.end;
    next = START.exec(text.slice(at));
  }
  if (from < text.length) pieces.push({ text: text.slice(from), href: "" });
  return pieces;
}

/** Where a link may be. */
const START = /https?:\/\/|www\.|mailto:|@/i;

/** After these, a text reads differently from what it is. */
const REVERSED = /[\u202d\u202e]/;

/** A link. If there is none, `href` is "", and the search goes on at `end`. */
type FoundLink = { start: number; end: number; text: string; href: string };

function noLink(end: number): FoundLink {
  return { start: end, end, text: "", href: "" };
}

function schemeLink(text: string, start: number): FoundLink {
  const scheme = (/^(?:https?:\/\/|mailto:)?/i.exec(text.slice(start, start + 8)) as string[])[0] as string;
  const at = start + scheme.length;
  // A part of a longer word.
  if (start > 0 && (scheme === "" ? /[\w+@/%.=&?-]/ : /[\w+@/%]/).test(text.charAt(start - 1))) return noLink(at + 1);
  if (start > 0 && kindOf(text.charAt(start - 1)) === "invisible") return noAddress(text, at);
  if (/^m/i.test(scheme)) {
    const local = /^[\w.+-]{1,64}@/.exec(text.slice(at, at + 65));
    return local === null ? noLink(at) : mailLink(text, at + (local[0] as string).length - 1, start);
  }
  const host = hostOf(text.slice(at, at + HOST_LENGTH));
  const hostEnd = at + host.length;
  const isHost = host !== "" && (scheme !== "" || /\..*\./.test(host)) && endsHost(text, host, hostEnd);
  const end = !isHost ? -1 : /[/?#]/.test(text.charAt(hostEnd)) ? pathEnd(text, hostEnd) : hostEnd;
  if (end < 0) return noAddress(text, at);
  const shown = text.slice(start, hostEnd).toLowerCase() + text.slice(hostEnd, end);
  return { start, end, text: shown, href: (scheme === "" ? "http://" : "") + text.slice(start, end) };
}

/** A host name of 253 characters, and a port. */
const HOST_LENGTH = 260;

/** An address that is no link contains none, either: http://bob@evil.example is no mail address. */
function noAddress(text: string, at: number): FoundLink {
  return noLink(at + ((/^[^\s<>"\u3000-\u3002\u300c\u300d]*/.exec(text.slice(at)) as string[])[0] as string).length);
}

/** Finds a mail address by its `@`. `from` is the end of the link before. */
function mailLink(text: string, at: number, from: number): FoundLink {
  const local = /[a-z\d][\w.+-]*$/i.exec(text.slice(Math.max(from, at - 64), at));
  const host = MAIL_HOST.exec(text.slice(at + 1, at + HOST_LENGTH));
  if (local === null || host === null || /\.\.|\.$/.test(local[0] as string)) return noLink(at + 1);
  const name = local[0] as string;
  const start = at - name.length;
  const end = at + 1 + (host[0] as string).length;
  const scheme = /mailto:$/i.exec(text.slice(Math.max(0, start - 7), start));
  const before = kindOf(text.charAt(start - 1));
  const isPart = scheme === null && start > 0 && (BEFORE_MAIL.test(text.charAt(start - 1)) || before === "invisible");
  const next = text.slice(end, end + 2);
  if (isPart || before === "letter" || /^(?:\/|[?#:]\w)/.test(next)) return noLink(at + 1);
  if (!endsHost(text, host[0] as string, end)) return noLink(at + 1);
  const shown = `${name}@${(host[0] as string).toLowerCase()}`;
  const typed = scheme === null ? "" : (scheme[0] as string);
  return { start: start - typed.length, end, text: typed + shown, href: `mailto:${shown}` };
}

const MAIL_HOST = /^(?:[a-z\d](?:[a-z\d-]*[a-z\d])?\.)+(?:xn--[a-z\d-]*[a-z\d]|[a-z]{2,})/i;

const BEFORE_MAIL = /[\w@/=&#$%~.+\-!*?^`{|}]/;

/**
 * Returns the host and port at the beginning of a text, "" if there is none. Browsers decode other
 * spellings: %61 is a, 0x7f.1 is 127.0.0.1.
 */
function hostOf(text: string): string {
  const found = HOST.exec(text);
  const host = found === null ? "" : (found[0] as string);
  if (!/[\u3005-\ud7a3]/.test(host)) return host;
  // A name in Japanese ends in ASCII letters, or at the slash of its path.
  const isWhole = host.indexOf(".") > 0 && (/[a-z\d]$/i.test(host) || text.charAt(host.length) === "/");
  return isWhole && !LIKE_ASCII.test(host) ? host : "";
}

/**
 * Labels of ASCII or of Japanese, Chinese and Korean letters, the last of which does not begin with
 * a digit; four decimals; or IPv6; and a port. Other scripts have letters that look like ASCII.
 */
const HOST =
  /^(?:(?:(?:[\w-]+|[\u3005-\u3007\u3041-\u30fe\u3400-\u9fff\uac00-\ud7a3]+)\.)*(?:[a-z](?:[\w-]*\w)?|[\u3005-\u3007\u3041-\u30fe\u3400-\u9fff\uac00-\ud7a3]+)|(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})|\[[\da-f:]+\])(?::\d{1,5})?/i;

/** [Chromium, IDN] Strokes and circles that could be a slash, a dash or a letter next to ASCII. */
const LIKE_ASCII =
  /(?:^|[^\u3005-\ud7a3])[\u3007\u309b\u309c\u30a0\u30bd\u30be\u30ce\u30f3\u30fb-\u30fe\u4e00\u4e28\u4e36\u4e3f-\u4e41](?![\u3005-\ud7a3])/;

/** Returns whether a host really ends here, so that no other host could be meant. */
function endsHost(text: string, host: string, end: number): boolean {
  const rest = text.slice(end, end + HOST_LENGTH);
  const kind = kindOf(rest.charAt(0));
  const isName = host.indexOf(".") >= 0 || host.indexOf(":") >= 0;
  // [URL, 4.1] The part before an @ is a user, and a browser reads \ as /.
  if (/^[^\u0080-\uffff\s/?#<>"]*[@\\]/.test(rest)) return false;
  if (kind === "letter" || kind === "invisible" || /^[\w%$&+=^]/.test(rest)) return false;
  // A browser reads these full stops as dots.
  if (/^[\u3002\uff0e\uff61]\w/.test(rest)) return false;
  if (kind === "script") return isName && !/^[\w\u3005-\ud7a3-]*[.@:/][\w\u3005-\ud7a3]/.test(rest);
  return !/^(?:[.:*_|`~-]|[\u00b7\u2010-\u2015])+[\w/%\u00c0-\u1fff\u3041-\ud7a3]/.test(rest);
}

/** An open bracket of a path. `end` is the end of the address without it. */
type Bracket = { end: number; closing: string; isAfterWord: boolean; hasScript: boolean };

/** A path as far as it has been read. */
type Path = {
  /** The end of the address, without the punctuation of a sentence. */
  end: number;
  before: Kind;
  /** Whether the current part has letters of a script without spaces. */
  hasScript: boolean;
  open: Bracket[];
};

type Step = "on" | "end" | "unsure";

/** Returns the end of the path that begins at `from`, -1 if nobody can be sure where it ends. */
function pathEnd(text: string, from: number): number {
  const path: Path = { end: from, before: "join", hasScript: false, open: [] };
  let step: Step = "on";
  for (let i = from; step === "on" && i <= text.length; i++) step = read(path, text, i);
  const unclosed = path.open[0];
  if (unclosed === undefined) return step === "unsure" ? -1 : path.end;
  return text.charAt(unclosed.end - 1) === "_" ? -1 : unclosed.end;
}

function read(path: Path, text: string, i: number): Step {
  const char = text.charAt(i);
  const kind = kindOf(char);
  const isWord = /word|letter|script/.test(path.before);
  const isBracket = path.open.length > 0;
  // 서울은 is Seoul with a particle.
  if (path.before === "script" && kind !== "script" && !isBracket && PARTICLE.test(text.charAt(i - 1))) return "unsure";
  if (kind === "script") return readScript(path, text, i);
  if (kind === "open") return openBracket(path, char, isWord);
  if (kind === "close") return closeBracket(path, char, i);
  if (kind === "quote") return isWord && /[a-z\d]/i.test(text.charAt(i + 1)) ? "on" : "end";
  if (kind === "foreign") return /[\w@/%]/.test(text.charAt(i + 1)) ? "unsure" : "end";
  if (kind === "dash") return /word|letter|script/.test(kindOf(text.charAt(i + 1))) ? "unsure" : "end";
  if (kind === "symbol") return isWord ? "end" : "unsure";
  if (kind === "invisible") return "unsure";
  if (kind === "other") return "end";
  if (kind === "join" || kind === "mark") path.hasScript = false;
  if (!/[.,;!?:*~]/.test(char)) path.end = i + 1;
  path.before = kind;
  return "on";
}

/**
 * Reads a letter of a script without spaces between words, whose sentence often continues right
 * after an address.
 */
function readScript(path: Path, text: string, i: number): Step {
  const char = text.charAt(i);
  const bracket = path.open[path.open.length - 1];
  if (bracket === undefined) {
    // を follows a noun, and begins no word.
    if (char === "\u3092") return "end";
    const isDot = char === "\u30fb";
    if (isDot && (path.before !== "script" || kindOf(text.charAt(i + 1)) !== "script")) return "end";
    const continues = path.before === "script" || (path.before !== "join" && path.hasScript);
    if (!continues && /word|letter/.test(path.before))
      return HIRAGANA.test(char) || PARTICLE.test(char) ? "end" : "unsure";
    if (path.before === "mark" || HIRAGANA.test(char)) return "unsure";
  } else bracket.hasScript = true;
  path.hasScript = true;
  path.before = "script";
  path.end = i + 1;
  return "on";
}

function openBracket(path: Path, char: string, isAfterWord: boolean): Step {
  // A text of brackets and addresses is read in linear time.
  if (path.open.length === DEEPEST) return "end";
  const closing = char === "(" ? ")" : char === "[" ? "]" : "}";
  path.open.push({ end: path.end, closing, isAfterWord, hasScript: false });
  path.before = "join";
  return "on";
}

function closeBracket(path: Path, char: string, i: number): Step {
  const bracket = path.open[path.open.length - 1];
  if (bracket === undefined || bracket.closing !== char) return "end";
  path.open.length--;
  const outer = path.open[path.open.length - 1];
  if (outer !== undefined) outer.hasScript = outer.hasScript || bracket.hasScript;
  // https://a.example/x(説明): a note of the writer, while Foo_(曖昧さ回避) is the name of a page.
  else if (bracket.isAfterWord && bracket.hasScript) {
    path.end = bracket.end;
    return "end";
  }
  path.before = "word";
  path.end = i + 1;
  return "on";
}

const DEEPEST = 4;

/** Hiragana except を: endings and particles, but also words. */
const HIRAGANA = /[\u3041-\u3091\u3093-\u309f]/;

/** The Korean particles 을 를 은 는 이 가 에 의 로 와 과 도 서. */
const PARTICLE = /[\uc744\ub97c\uc740\ub294\uc774\uac00\uc5d0\uc758\ub85c\uc640\uacfc\ub3c4\uc11c]/;

/** The part that a character can play in an address. The first kind that matches counts. */
type Kind = keyof typeof KINDS;

function kindOf(char: string): Kind {
  for (const kind in KINDS) if (isOwn(KINDS, kind) && KINDS[kind as keyof typeof KINDS].test(char)) return kind as Kind;
  return "other";
}

const KINDS = {
  word: /[a-z\d]/i,
  join: /[-_~%$&+=@#/*?:]/,
  mark: /[.,;!]/,
  open: /[([{]/,
  close: /[)\]}]/,
  quote: /'/,
  // They are in no address, although browsers encode them.
  foreign: /[|\\^`]/,
  // Also the selectors and joiners of emoji. The server refuses control characters.
  invisible:
    // biome-ignore lint/suspicious/noMisleadingCharacterClass: They are looked for one by one.
    /[\u034f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\udb40]/,
  dash: /[\u00b7\u2010-\u2015\u2019\u2032\u2212]/,
  // Punctuation and signs among the letters below.
  other:
    /[\xa0-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf\xd7\xf7\u05be\u05c0\u05c3\u05f3\u05f4\u060c\u061b\u061f\u06d4\u0964\u3036-\u3040]/,
  // Scripts with spaces: roughly all letters before Thai, and some after it.
  letter: /[\xaa-\u0dff\u10a0-\u1771\u1e00-\u1fff\u2c00-\u2dff\ua640-\uabea\ufb00-\ufefc]/,
  // Scripts without spaces: Thai, Lao, Tibetan, Burmese, Khmer, Japanese, Chinese; and Korean.
  script:
    /[\u0e01-\u109f\u1780-\u17d3\u3005-\u3007\u3031-\u9fff\uac00-\ud7a3\ud840-\ud87f\udc00-\ufaff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\uff9f]/,
  symbol: /[\u2600-\u27bf\ud800-\udbff]/,
};
