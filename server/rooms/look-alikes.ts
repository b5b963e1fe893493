/**
 * Look-alikes that Unicode's table lacks or has for another purpose. Each line is a prototype and
 * the characters that look like it in the fonts of a chat. A line takes precedence over Unicode's
 * table. Characters that people distinguish have no line: シ and ツ, ン and ソ, small and large や, ゆ, よ
 * and つ.
 */
const GROUPS = `
a ᴀ 🅐 🅰 🇦 ᶏ ⱥ ꬰ
b ʙ β ꞵ 🅑 🅱 🇧 ᴃ ᵬ ᶀ ꞗ
c ϲ Ϲ ᴄ © Ⓒ 🅒 🅲 🇨 ɕ ʗ ꞔ
d ᴅ ð 🅓 🅳 🇩 ȡ ᵭ ᶁ ᶑ ꝺ Ꝺ ꟈ 𝼥
e ᴇ ε 🅔 🅴 🇪 ꞓ ᶒ ⱸ ꬳ ꬴ
f ſ ꜰ 🅕 🅵 🇫 ẜ ᶂ ꝼ Ꝼ
g ɢ 🅖 🅶 🇬 ʛ ꝿ ꞡ ꬶ Ꮹ ꮹ
h ʜ 🅗 🅷 🇭 ɧ ꜧ
l i ɪ ʟ 丨 〡 ㅣ ᅵ 🅘 🅛 🅸 🅻 🇮 🇱 ȴ ɬ ᶅ ᶖ ᴌ ⱡ ꝇ ꝉ ꬷ ꬸ ꬹ 𝼓 𝼦 լ Լ ㇑ 亅 ㇚
j ᴊ 🅙 🅹 🇯
k ᴋ ĸ 🅚 🅺 🇰 ᶄ ꝃ ꝅ ꞣ ҝ ҟ ҡ ӄ ԟ Ҝ Ҟ Ҡ Ӄ Ԟ
m ᴍ ʍ 🅜 🅼 🇲 ᶆ ꬺ
n ɴ 🅝 🅽 🇳 ȵ ᶇ ꞑ ꞥ ꬻ 𝼧
o ° ᴏ ○ ◯ ● ◎ ◉ ʘ ⊙ ⊚ ☉ ⦾ ⦿ ⨀ 🅞 🅾 🇴 ᴓ ꝍ ⱺ 𝼛
p ᴘ ℗ Ⓟ 🅟 🅿 🇵 ᵱ ᶈ ꝑ ꝓ ꝕ ҏ Ҏ
q ꞯ 🅠 🆀 🇶 ɋ ꝗ ꝙ
r ʀ ® Ⓡ 🅡 🆁 🇷 ᵳ ᶉ ꞃ ꞧ ꭉ ꭋ ꭌ 𝼨 Ꞃ
s ꜱ 🅢 🆂 🇸 ȿ ᶊ ꞅ ꞩ ꟊ 𝼞 𝼩 Ꞅ
t ᴛ 🅣 🆃 🇹 ȶ ꞇ 𝼪 Ꞇ 丁 ㄒ ᅮ
u ᴜ 🅤 🆄 🇺 ᶙ ꞹ ꭏ ᵿ
v ᴠ 🅥 🆅 🇻 ⱱ ⱴ ꝟ
vv w ᴡ 🅦 🆆 🇼 ω ⱳ ꟃ
x 🅧 🆇 🇽 ᶍ ꭖ ꭗ ꭘ ꭙ ӽ ӿ Ӽ Ӿ
σ Σ ς
y ʏ 🅨 🆈 🇾
z ᴢ 🅩 🆉 🇿 ɀ ʑ ᶎ 乙
б б
г Г Γ
3 з ɜ ʒ ȝ ➂ ❸ ➌ ⓷
2 ƨ ➁ ❷ ➋ ⓶
ー – − ‒ ﹘ 〜 ～ 〰 ⎯ ⏤ ⸺ ⸻ ∼ ⁓ ㇐
く く ㄑ 〱 ㇛
ノ ノ 丿 〳 ㇒ ㇓
ヽ 丶 ゝ ㇔ 〻
才 オ
1 ➀ ❶ ➊ ⓵
4 ➃ ❹ ➍ ⓸
5 ➄ ❺ ➎ ⓹
6 ➅ ❻ ➏ ⓺
7 ➆ ❼ ➐ ⓻
8 ➇ ❽ ➑ ⓼
9 ➈ ❾ ➒ ⓽
0 🄋 🄌 🄍 ⓿
メ 〆 乂 ㄨ 〤
ホ 木 ㇹ
キ 丰
サ 艹 廾
ン 冫 ⺀ 𛅧
シ 氵 ㇱ
ソ 丷
し 乚
フ 乛 ᄀ ㇇ ㇷ
彐 ヨ ᄏ
こ 𛄲
ゐ 𛅐
ゑ 𛅑
を 𛅒
コ 𛅕
ヰ 𛅤
ヱ 𛅥
ヲ 𛅦
10 ➉ ❿ ➓ ⓾
天 夭
治 冶
崇 祟
晴 睛
奈 柰
三 ミ 彡
千 チ 干 于
又 ヌ
儿 ル
十 ナ
口 □ ㅁ ᄆ
卜 ト ㅏ ᅡ
ク ⺈ ㇰ
ツ ⺍
🍏 🍏
己 已 巳
人 入 ᄉ
り リ 刂
せ セ
や ヤ
ゃ ャ
あ ぁ
い ぃ
う ぅ
え ぇ
お ぉ
か ゕ
け ゖ
わ ゎ
ア ァ
イ ィ
ウ ゥ
エ ェ
オ ォ
カ ヵ
ケ ヶ
ス ㇲ ᄌ
ト ㇳ
ヌ ㇴ
ハ ㇵ
ヒ ㇶ
へ ㇸ
ム ㇺ
ラ ㇻ
リ ㇼ
ル ㇽ
レ ㇾ
ロ ㇿ
ワ ヮ
\u3099 \u3099
\u309a \u309a
`;

/** The prototype of each character. */
export const LOOK_ALIKES: ReadonlyMap<string, string> = new Map(
  GROUPS.trim()
    .split("\n")
    .map((line) => line.split(" "))
    .flatMap(([prototype = "", ...chars]) => chars.map((char): [string, string] => [char, prototype])),
);
