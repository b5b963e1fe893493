/**
 * What Unicode's table lacks or has for another purpose. Each line is a prototype and the characters that look like it
 * in the fonts of a chat. Lines are read before Unicode's table.
 */
const GROUPS = `
a ᴀ 🅐 🅰 🇦
b ʙ β ꞵ 🅑 🅱 🇧
c ᴄ © Ⓒ 🅒 🅲 🇨
d ᴅ ð 🅓 🅳 🇩
e ᴇ ε 🅔 🅴 🇪
f ꜰ 🅕 🅵 🇫
g ɢ 🅖 🅶 🇬
h ʜ 🅗 🅷 🇭
l i ɪ ʟ 🅘 🅛 🅸 🅻 🇮 🇱
j ᴊ 🅙 🅹 🇯
k ᴋ ĸ 🅚 🅺 🇰
m ᴍ ʍ 🅜 🅼 🇲
n ɴ 🅝 🅽 🇳
o ᴏ ○ ◯ 🅞 🅾 🇴
p ᴘ ℗ Ⓟ 🅟 🅿 🇵
q ꞯ 🅠 🆀 🇶
r ʀ ® Ⓡ 🅡 🆁 🇷
s ꜱ 🅢 🆂 🇸
t ᴛ 🅣 🆃 🇹
u ᴜ 🅤 🆄 🇺
v ᴠ 🅥 🆅 🇻
vv w ᴡ 🅦 🆆 🇼
x 🅧 🆇 🇽
σ Σ ς
y ʏ 🅨 🆈 🇾
z ᴢ 🅩 🆉 🇿
б б
г Г Γ
3 з ɜ ʒ ȝ
2 ƨ
ー – − ‒
く く ㄑ
ノ ノ 丿 〳
ヽ 丶
才 オ
三 ミ
千 チ
又 ヌ
儿 ル
十 ナ
口 □
己 已 巳
人 入
ン ソ
シ ツ
り リ
せ セ
や ヤ
あ ぁ
い ぃ
う ぅ
え ぇ
お ぉ
か ゕ
け ゖ
つ っ
や ゃ
ゆ ゅ
よ ょ
わ ゎ
ア ァ
イ ィ
ウ ゥ
エ ェ
オ ォ
カ ヵ
ク ㇰ
ケ ヶ
シ ㇱ
ス ㇲ
ツ ッ
ト ㇳ
ヌ ㇴ
ハ ㇵ
ヒ ㇶ
フ ㇷ
へ ㇸ
ホ ㇹ
ム ㇺ
ヤ ャ
ユ ュ
ヨ ョ
ラ ㇻ
リ ㇼ
ル ㇽ
レ ㇾ
ロ ㇿ
ワ ヮ
\u3099 \u3099
\u309a \u309a
`;

/** Each character with what it looks like. */
export const LOOK_ALIKES: ReadonlyMap<string, string> = new Map(
  GROUPS.trim()
    .split("\n")
    .map((line) => line.split(" "))
    .flatMap(([prototype = "", ...chars]) => chars.map((char): [string, string] => [char, prototype])),
);
