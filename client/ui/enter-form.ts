const KEY = "chattera:me";

/** Remembers nickname and colour in this browser, for the day when the session is over. A trip's secret is not kept. */
export function rememberEntry(form: HTMLFormElement): void {
  const nickname = form.elements.namedItem("nickname") as HTMLInputElement;
  const color = form.elements.namedItem("color") as RadioNodeList;
  const isNew = nickname.value === "";
  const known = load();
  if (isNew && known !== undefined) {
    nickname.value = known.nickname;
    color.value = known.color;
  }
  form.addEventListener("submit", () => {
    save({ nickname: nickname.value.split("#")[0] ?? "", color: color.value });
  });
}

type Entry = { nickname: string; color: string };

function load(): Entry | undefined {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

function save(entry: Entry): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(entry));
  } catch {
    // [Safari, private] not remembered, then
    return;
  }
}
