import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { CONFUSABLES, UNICODE_VERSION } from "../../server/rooms/confusables.ts";
import { isDisplayable } from "../../server/rooms/displayable.ts";
import { imageOf, roomSkeletonOf, skeletonOf } from "../../server/rooms/skeleton.ts";

/** Names that a reader confuses, by the kind of their difference. */
const ALIKE: { [kind: string]: string[][] } = {
  "case, width and spaces": [
    ["alice", "Alice"],
    ["alice", "ＡＬＩＣＥ"],
    ["alice", "a l i c e"],
    ["Катя", "катя"],
    ["ΣΟΦΟΣ", "σοφος"],
    ["Зоя", "зоя"],
    ["Гера", "гера"],
    ["Егор", "ЕГОР"],
    ["straße", "STRASSE"],
    ["アリス", "ｱﾘｽ"],
    ["ガク", "ｶﾞｸ"],
  ],
  "letters of other alphabets": [
    ["alice", "аlice"],
    ["alice", "aliϲe"],
    ["alice", "alіce"],
    ["Kate", "Кate"],
    ["Nina", "Νina"],
    ["viva", "νiva"],
    ["you", "γou"],
    ["coco", "сосо"],
    ["hop", "һор"],
    ["Леня", "Λеня"],
    ["Гера", "Γера"],
    ["bob", "ƅob"],
    ["Bob", "Вob"],
    ["Tom", "Τom"],
    ["zoe", "ᴢoe"],
    ["gina", "ɡina"],
    ["Soon", "Ѕoon"],
    ["w", "ѡ"],
    ["will", "ωill"],
    ["Peter", "Pєter"],
    ["Eva", "€va"],
    ["Πil", "Пil"],
    ["Paul", "Ꮲaul"],
    ["Gina", "Ꮹina"],
    ["Kim", "Ҝim"],
    ["lily", "լily"],
    ["john", "jօհո"],
    ["Tom", "丁om"],
    ["Zoe", "乙oe"],
    ["ελενη", "ϵλενη"],
    ["βασω", "ϐασω"],
    ["βασω", "𝛃ασω"],
    ["ελενη", "𝛆λενη"],
    ["Σια", "𝚺ια"],
    ["обама", "𞀼бама"],
  ],
  "drawn letters": [
    ["alice", "ᴀlice"],
    ["alice", "ᴀʟɪᴄᴇ"],
    ["alice", "𝒶𝓁𝒾𝒸ℯ"],
    ["alice", "ⓐⓛⓘⓒⓔ"],
    ["alice", "🅐🅛🅘🅒🅔"],
    ["admin", "🇦🇩🇲🇮🇳"],
    ["alice", "ₐlice"],
    ["alice", "ålice"],
    ["Bob", "Ɓob"],
    ["Kim", "Ƙim"],
    ["Paul", "Ƥaul"],
    ["Tom", "Ƭom"],
    ["Clara", "Ƈlara"],
    ["Dan", "Ɗan"],
    ["Gina", "Ɠina"],
    ["Yuki", "Ƴuki"],
    ["lily", "丨ily"],
    ["lily", "〡ily"],
    ["lily", "⼁ily"],
    ["lily", "ㅣily"],
    ["lily", "ￜily"],
    ["omar", "ʘmar"],
    ["omar", "⊙mar"],
    ["omar", "◎mar"],
    ["dan", "ᶁan"],
    ["dan", "ȡaᶇ"],
    ["pete", "ꝑᶒte"],
    ["max", "maᶍ"],
    ["lana", "ⱡana"],
    ["sara", "ꞅaꞃa"],
    ["vito", "ⱱiꞇo"],
    ["zoe", "ɀoe"],
    ["sam", "ˢam"],
    ["cam", "ꟲam"],
    ["Ivo", "Ⅰvo"],
    ["Ann1", "Ann①"],
    ["Ann1", "Ann➊"],
    ["Ann10", "Ann⑩"],
    ["Ann1", "Ann⑴"],
    ["Ann2", "Ann²"],
  ],
  "letters that look like others": [
    ["Ill", "lll"],
    ["Ill", "III"],
    ["Bob", "B0b"],
    ["lol", "|o|"],
    ["l0l", "1o1"],
    ["Amos", "Arnos"],
    ["wow", "vvow"],
    ["www", "vvvv"],
    ["ann1", "annl"],
    ["8", "８"],
  ],
  "marks and punctuation": [
    ["alice", "alice."],
    ["alice", "alice\u0335"],
    ["alice", "_alice_"],
    ["alice", "a.l.i.c.e"],
    ["alice", "“alice”"],
    ["alice", "(alice)"],
    ["alice", "al'ice"],
    ["alice", "alʼice"],
    ["alice", "aliceǃ"],
    ["alice", "—alice—"],
    ["alice", "~alice~"],
    ["alice", "alice\u093c"],
    ["alice", "alice\u3099"],
    ["José", "Jose"],
    ["Zoë", "Zoe"],
    ["Łukasz", "Lukasz"],
    ["Bjørn", "Bjorn"],
    ["...", "…"],
    ["❤", "❤\ufe0f"],
  ],
  kana: [
    ["ヘレン", "へレン"],
    ["ベン", "べン"],
    ["ペコ", "ぺコ"],
    ["リサ", "りサ"],
    ["セラ", "せラ"],
    ["ヤマ", "やマ"],
    ["か゛く", "がく"],
    ["ハ゜ン", "パン"],
    ["ケント", "ヶント"],
    ["ゆぁ", "ゆあ"],
    ["ィヴ", "イヴ"],
    ["より子", "ゟ子"],
    ["みすゞ", "みすヾ"],
    ["こま", "𛄲ま"],
    ["アリス", "㋐㋷㋜"],
    ["サクラ", "ｻｸﾗ"],
  ],
  "halfwidth kana, radicals and strokes": [
    ["ノゾミ", "ﾉゾミ"],
    ["キノコ", "キﾉコ"],
    ["キノコ", "キ⼃コ"],
    ["ノゾミ", "㇒ゾミ"],
    ["丶", "⼂"],
    ["リン", "刂ン"],
    ["リン", "⺉ン"],
    ["リン", "リ冫"],
    ["サキ", "艹キ"],
    ["サキ", "⺾キ"],
    ["ツキ", "⺍キ"],
    ["クミ", "⺈ミ"],
    ["ミカ", "彡カ"],
    ["田中", "⽥中"],
    ["長田", "⻑田"],
    ["くみ", "〱み"],
    ["しん", "乚ん"],
  ],
  "kana and kanji": [
    ["カオル", "力オル"],
    ["カオル", "カ才ル"],
    ["ロミ", "口ミ"],
    ["ロミ", "ロ三"],
    ["タロウ", "夕ロウ"],
    ["トモ", "卜モ"],
    ["ハナ", "八ナ"],
    ["エリ", "工リ"],
    ["ニコ", "二コ"],
    ["チカ", "千カ"],
    ["チカ", "干カ"],
    ["チカ", "于カ"],
    ["ユキ", "ユ丰"],
    ["木村", "ホ村"],
    ["メイ", "〆イ"],
    ["メイ", "乂イ"],
    ["メイ", "ㄨイ"],
    ["ロミ", "ㅁミ"],
    ["口ミ", "ㅁミ"],
    ["トモ", "ㅏモ"],
    ["フミ", "ㄱミ"],
    ["ヨウコ", "ㅋウコ"],
    ["スズ", "ㅈズ"],
    ["ヌイ", "又イ"],
    ["ガク", "力゛ク"],
    ["ノノ", "丿ノ"],
    ["ム", "厶"],
    ["ヒロ", "匕ロ"],
  ],
  "kanji and signs": [
    ["日向", "曰向"],
    ["管理人", "管理入"],
    ["富士", "富土"],
    ["未来", "末来"],
    ["克己", "克巳"],
    ["〇子", "○子"],
    ["〇子", "O子"],
    ["□ミ", "口ミ"],
    ["上田", "㊤田"],
    ["月子", "🈷子"],
    ["健治", "健冶"],
    ["天音", "夭音"],
    ["晴香", "睛香"],
    ["玲奈", "玲柰"],
    ["崇", "祟"],
  ],
  "long lines": [
    ["リー", "リ－"],
    ["リー", "リ一"],
    ["リー", "リ―"],
    ["リー", "リ─"],
    ["リー", "リ—"],
    ["リー", "リ−"],
    ["一郎", "―郎"],
    ["マー", "マ﹘"],
    ["マー", "マ〜"],
    ["マー", "マ～"],
    ["マー", "マ~"],
    ["ミキー", "ミキ-"],
    ["ミキーマウス", "ミキ‐マウス"],
    ["マー", "マ㇐"],
    ["花子", "〜花子〜"],
    ["花子", "―花子―"],
  ],
};

/** Different names of honest people, who may be in one room. */
const DIFFERENT: { [kind: string]: string[][] } = {
  English: [
    ["Anna", "Ana"],
    ["Ann", "Anne"],
    ["Ben", "Den"],
    ["Bob", "Rob"],
    ["Dan", "Dean"],
    ["Jon", "John"],
    ["Kim", "Tim"],
    ["Lena", "Lina"],
    ["Mark", "Marc"],
    ["Nina", "Mina"],
    ["Nina", "Vina"],
    ["Sara", "Sarah"],
    ["Eva", "Ewa"],
    ["Chris", "Kris"],
    ["Max", "Mac"],
    ["Clara", "Dara"],
    ["Una", "Ana"],
    ["Hugo", "Nugo"],
    ["admin", "adnin"],
    ["Al", "Ali"],
    ["Ann", "Anna"],
    ["Lee", "Li"],
    ["Mia", "Nia"],
    ["Tim", "Jim"],
    ["Ella", "Emma"],
    ["Ella", "Bella"],
    ["Eva", "Ava"],
    ["Erik", "Eric"],
    ["Sean", "Shaun"],
    ["Noah", "Nora"],
    ["Leo", "Theo"],
    ["Zara", "Sara"],
    ["Ian", "Evan"],
    ["Owen", "Gwen"],
    ["Finn", "Flynn"],
    ["Hanna", "Hannah"],
  ],
  "digits and signs": [
    ["ann1", "ann2"],
    ["ann1", "ann11"],
    ["ann", "ann2"],
    ["S", "5"],
    ["B", "8"],
    ["Z", "2"],
    ["crowd 1", "crowd 10"],
    ["1-12", "11-2"],
    ["3.14", "31.4"],
    ["1 23", "12 3"],
    ["!!!", "???"],
    ["...", "!!!"],
    ["-", "+"],
    ["٥", "٥٠"],
    ["C", "C++"],
    ["C", "C#"],
    ["C++", "C#"],
    ["A", "A+"],
    ["Ann①", "Ann②"],
  ],
  emoji: [
    ["😀", "😃"],
    ["👍🏻", "👍🏿"],
    ["🇯🇵", "🇫🇷"],
    ["👨‍👩‍👧", "👨‍👩‍👦"],
    ["❤️", "💙"],
    ["★花子", "花子"],
    ["☆", "★"],
    ["♪", "♫"],
    ["🍎", "🍏"],
    ["🍒", "🍓"],
    ["Bob😀", "Bob"],
  ],
  kana: [
    ["か", "が"],
    ["はな", "ばな"],
    ["はな", "ぱな"],
    ["ばな", "ぱな"],
    ["ゆき", "ゆうき"],
    ["ああ", "あ"],
    ["りさ", "りこ"],
    ["さき", "さち"],
    ["ちさ", "さち"],
    ["こう", "こ"],
    ["はな", "ハル"],
    ["カナ", "かな"],
    ["ユキ", "ゆき"],
    ["ミク", "ミカ"],
    ["アイ", "アオイ"],
    ["リン", "レン"],
    ["ビル", "ビール"],
    ["おばさん", "おばあさん"],
    ["クロ", "シロ"],
    ["ナナ", "ネネ"],
    ["ヒナ", "ヒメ"],
    ["まい", "まり"],
    ["ぬこ", "ねこ"],
    ["れい", "ねい"],
    ["るり", "ろり"],
    ["さくら", "ちくら"],
    ["りょうこ", "りようこ"],
    ["りょう", "りよう"],
    ["りゅう", "りゆう"],
    ["じゅん", "じゆん"],
    ["きょう", "きよう"],
    ["しょう", "しよう"],
    ["ショウ", "シヨウ"],
    ["みっき", "みつき"],
    ["ハッタ", "ハツタ"],
    ["ナツ", "ナシ"],
    ["マツ", "マシ"],
    ["ツキ", "シキ"],
    ["レン", "レソ"],
    ["シン", "ツン"],
    ["シン", "ジン"],
    ["しん", "じん"],
    ["しん", "しいん"],
    ["ゆう", "ゆうう"],
    ["ゆき", "ゆーき"],
    ["ゆうこ", "ようこ"],
    ["りく", "りくう"],
    ["はると", "はるど"],
    ["はる", "ほる"],
    ["さき", "さぎ"],
    ["ここ", "こころ"],
    ["みみ", "みゝ"],
    ["ソラ", "ゾラ"],
    ["ソラ", "ンラ"],
    ["ユウ", "ヨウ"],
    ["コウ", "ユウ"],
    ["アヤ", "マヤ"],
    ["ワカ", "ウカ"],
    ["ワタル", "クタル"],
    ["ルイ", "レイ"],
    ["ケイ", "ゲイ"],
    ["チエ", "テエ"],
    ["ラン", "ウン"],
    ["ハル", "ハレ"],
    ["サラ", "セラ"],
  ],
  kanji: [
    ["田中", "中田"],
    ["太郎", "大郎"],
    ["太", "犬"],
    ["高橋", "髙橋"],
    ["斉藤", "斎藤"],
    ["山本", "本山"],
    ["一", "二"],
    ["二", "三"],
    ["花子", "花"],
    ["由美", "由実"],
    ["裕子", "祐子"],
    ["木", "林"],
    ["王", "玉"],
    ["川", "三"],
    ["小林", "大林"],
    ["目", "日"],
    ["月", "日"],
    ["田", "口"],
    ["菅原", "管原"],
    ["埋", "理"],
    ["大", "太"],
    ["千夏", "十夏"],
    ["翔", "翔太"],
    ["陽菜", "陽葵"],
    ["結衣", "結愛"],
    ["佐藤", "左藤"],
    ["健二", "健三"],
    ["健一", "健二"],
    ["優子", "優了"],
    ["真央", "真史"],
    ["美咲", "美桜"],
    ["水", "氷"],
    ["永", "氷"],
  ],
  "other scripts": [
    ["김민수", "김민서"],
    ["악가", "아까"],
    ["각가", "가까"],
    ["रमा", "राम"],
    ["रवि", "रवी"],
    ["กา", "กี"],
    ["Анна", "Яна"],
    ["Иван", "Ивана"],
    ["محمد", "محمود"],
    ["דן", "דני"],
    ["Νίκος", "Νίκη"],
    ["Արամ", "Արման"],
    ["Мила", "Лила"],
    ["Дима", "Рима"],
    ["Оля", "Юля"],
    ["Паша", "Наша"],
    ["Нина", "Пина"],
    ["Πάνος", "Νάνος"],
    ["Ηρώ", "Ρω"],
    ["Ани", "Ана"],
    ["Նարե", "Նանե"],
    ["ㄱㄱ", "ㄴㄴ"],
    ["ㅋㅋ", "ㅎㅎ"],
    ["ᐁ", "ᐃ"],
  ],
};

describe("a nickname's skeleton", () => {
  test.each(Object.entries(ALIKE))("is the same for names that look alike: %s", (_, pairs) => {
    for (const [one, other] of pairs) expect([other, skeletonOf(other ?? "")]).toEqual([other, skeletonOf(one ?? "")]);
  });

  test.each(Object.entries(DIFFERENT))("differs for different names: %s", (_, pairs) => {
    for (const [one, other] of pairs)
      expect([one, other, skeletonOf(one ?? "") === skeletonOf(other ?? "")]).toEqual([one, other, false]);
  });

  test("is proved by at least 60 pairs of each kind", () => {
    for (const pairs of [ALIKE, DIFFERENT]) expect(Object.values(pairs).flat().length).toBeGreaterThanOrEqual(60);
  });

  test("comes from the data of Unicode 18", () => {
    expect([UNICODE_VERSION, CONFUSABLES.match(/[ ][0-9a-f]+/g)?.length]).toEqual(["18.0.0", 6712]);
  });

  test("agrees with Unicode's table, except where the project's own table or a letter's plain form says otherwise", () => {
    const differing = CONFUSABLES.trim()
      .split("\n")
      .flatMap((line) => {
        const [prototype = "", chars = ""] = line.split(": ");
        const looksLike = [...textOf(prototype.split("+"))].map(imageOf).join("");
        return chars
          .split(" ")
          .map((char) => textOf([char]))
          .filter((char) => char.normalize("NFKC") === char && imageOf(char) !== looksLike);
      });
    expect(differing.join("")).toMatchInlineSnapshot(`"⁒ðƁƇƊƓƘƤƬƳ‒–−⁓∼〜゚ΣβꞵбҐґױ〳ノ㇒㇓丿ᵳᵿᶏᶙ㇔丶◎⦾くㄑ㇛于🍏"`);
  });

  /** The first looks like an f. The second is a c in all fonts, and only by its plain form a σ. */
  const UNLIKE_THEIR_PLAIN_FORM = ["ſ", "ϲ", "Ϲ"];

  test("of a styled letter is that of its plain form", () => {
    const unlike: string[] = [];
    for (let code = 0; code <= 0x10ffff; code += 1) {
      const char = code >= 0xd800 && code <= 0xdfff ? "" : String.fromCodePoint(code);
      const plain = char.normalize("NFKC");
      if (plain === char || !/[\p{L}\p{N}]/u.test(plain) || !isDisplayable(char, 1)) continue;
      if (skeletonOf(char) !== skeletonOf(plain)) unlike.push(char);
    }
    expect(unlike).toEqual(UNLIKE_THEIR_PLAIN_FORM);
  });

  test("is never empty, and takes linear time for any text", () => {
    const name = fc.oneof(
      fc.string({ unit: "binary", maxLength: 100 }),
      fc.string({ unit: "grapheme", maxLength: 40 }),
    );
    fc.assert(
      fc.property(name, (text) => {
        const isBlank = /^[\s\p{M}]*$/u.test(text);
        expect(isBlank || skeletonOf(text) !== "").toBe(true);
      }),
    );
    const heap = "\u0345\u0301\u0316\u0334";
    const times = [4_000, 16_000].map((count) => {
      const text = `a${heap.repeat(count)}`;
      const start = performance.now();
      skeletonOf(text);
      return performance.now() - start;
    });
    // A quadratic one would take 16 times as long, and seconds.
    expect(times[1]).toBeLessThan(100);
  });
});

describe("a room's skeleton", () => {
  test("ignores decoration around words, but not between them", () => {
    for (const title of ["Lobby", "lоbby", "LOBBY!", "-lobby_", "Lobby.", "ｌｏｂｂｙ", "lobby\u034f"])
      expect([title, roomSkeletonOf(title)]).toEqual([title, roomSkeletonOf("lobby")]);
    expect(roomSkeletonOf("Tea Room")).toBe(roomSkeletonOf("tea-room"));
    for (const [one, other] of [
      ["room-1-1", "room-11"],
      ["tea-room", "tearoom"],
      ["lobby", "lobby-2"],
    ])
      expect(roomSkeletonOf(one as string)).not.toBe(roomSkeletonOf(other as string));
  });
});

function textOf(codes: string[]): string {
  return codes.map((code) => String.fromCodePoint(Number.parseInt(code, 16))).join("");
}
