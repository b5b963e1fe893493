import { imageOf } from "./skeleton.ts";

/** Digits and symbols that a reader takes for a letter, or overlooks: adm1n, $taff, admin123. */
export const SIGNS = "0123456789@$!€";

/**
 * Returns whether `char` can replace `letter` in a name that imitates a reserved one. Both are
 * images. This is looser than a skeleton: the names 埋 and 菅原 are honest, 管埋人 is not.
 */
export function isStandIn(char: string, letter: string): boolean {
  return STAND_INS.get(char)?.includes(letter) === true;
}

/** Each line is a letter and the characters that can replace it. */
const LINES = `
a 4 @ Λ ∆ ∀ д đ 卂 ₳
b 8 乃
c 匚
d ∂ ᗪ
e 3 € ə 乇
f 千
h 卄
l 1 ! ㄥ
m 爪
n и 几
o 0 ㄖ
p 卩
r я 尺
s 5 $ § 丂
t 7
u ㄩ
v ᐯ
w ш 山
y ㄚ
シ ツ ッ
ツ シ ッ
ッ ツ シ
ン ソ
ュ ユ
ョ ヨ
ャ ヤ
理 埋
管 菅
員 员
運 运 連
営 營 营 宮
式 武 弍
`;

const STAND_INS: ReadonlyMap<string, string> = LINES.trim()
  .split("\n")
  .map((line) => line.split(" "))
  .reduce((standIns, [letter = "", ...chars]) => {
    for (const char of chars) {
      const image = SIGNS.includes(char) ? char : imageOf(char);
      standIns.set(image, (standIns.get(image) ?? "") + imageOf(letter).replace("rn", "m"));
    }
    return standIns;
  }, new Map<string, string>());
