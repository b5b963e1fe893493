import { PATHS } from "../../protocol/paths.ts";
import type { Address } from "../core/base/address.ts";
import { enter } from "../core/sending/enter.ts";
import { createSender } from "../core/sending/send.ts";
import { environment } from "../environment.ts";
import { http, printed } from "../transports/fetch.ts";
import { lasting } from "./browser.ts";
import { browserStore, parsed } from "./browser-store.ts";
import { keepSession } from "./kept-session.ts";
import { showPage } from "./show-page.ts";

// A blocked kind of request is noticed at once, a swallowed one after a timeout. After five
// attempts the browser submits the form itself.
const ATTEMPTS = 5;

type Sentences = { [code: string]: string };

/** The options of an enter form: the site's base, and the room, if the form is in one. */
export type EnterFormOptions = {
  base: string;
  room?: string;
  /** The sentences for refusals, by their code. */
  refusals: Sentences;
  /** Brings a page to life that was not loaded. */
  run(): void;
};

/**
 * Lets a form enter a room by whatever kind of request this network lets through. The tab keeps the
 * session, in case the browser or the network loses its cookie.
 */
export function openEnterForm(form: HTMLFormElement, { base, room, refusals, run }: EnterFormOptions): void {
  const { nickname, color, formToken } = fieldsOf(form);
  const person = createPersonStore();
  let isUnderWay = false;
  person.fillIn(nickname, color);

  form.addEventListener("submit", (event) => {
    person.save({ nickname: nickname.value.split("#")[0] || "", color: color.value });
    const button = event.submitter as HTMLButtonElement | null;
    const slug = room ?? button?.value;
    if (!slug) return;
    event.preventDefault();
    if (isUnderWay) return;
    wait(true);
    enterRoom(slug, button);
  });
  // A page that comes back from the browser's cache no longer waits for anything.
  window.addEventListener("pageshow", () => wait(false), lasting());

  function enterRoom(slug: string, button: HTMLButtonElement | null): void {
    const address: Address = { base, formToken };
    const sender = createSender({ environment, http, address });
    const silent = isChecked(form, "silent");
    const entry = { room: slug, nickname: nickname.value, color: color.value, silent, attempts: ATTEMPTS };
    enter(sender, entry, (outcome) => {
      if ("refused" in outcome) {
        wait(false);
        showRefusal(form, nickname, refusals[outcome.refused] || refusals.internal || outcome.refused);
      } else if ("token" in outcome) {
        const url = base + PATHS.room(slug);
        // Where the browser keeps nothing, a page that is loaded would not know who has entered.
        if (keepSession(base, { ...outcome, room: slug })) location.assign(url);
        else showPage(url, run);
      } else submitAsItIs(form, slug, button);
    });
  }

  function wait(is: boolean): void {
    isUnderWay = is;
    form.setAttribute("aria-busy", String(is));
  }
}

function fieldsOf({ elements }: HTMLFormElement) {
  return {
    nickname: elements.namedItem("nickname") as HTMLInputElement,
    color: elements.namedItem("color") as RadioNodeList,
    formToken: (elements.namedItem("form_token") as HTMLInputElement).value,
  };
}

function isChecked({ elements }: HTMLFormElement, name: string): boolean {
  return (elements.namedItem(name) as HTMLInputElement | null)?.checked === true;
}

function submitAsItIs(form: HTMLFormElement, slug: string, button: HTMLButtonElement | null): void {
  if (button?.name === "room") {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name: "room", value: slug });
    form.append(field);
  }
  form.submit();
}

function showRefusal(form: HTMLFormElement, nickname: HTMLInputElement, sentence: string): void {
  document.getElementById("problem")?.remove();
  const problem = document.createElement("p");
  Object.assign(problem, { id: "problem", className: "problem" });
  problem.setAttribute("role", "alert");
  form.querySelector(".nickname-field")?.before(problem);
  // An alert is read aloud when its text is set.
  problem.textContent = sentence;
  nickname.setAttribute("aria-invalid", "true");
  nickname.focus();
}

type Person = { nickname: string; color: string };

/**
 * Nickname and color, kept in this browser for when the session is over. A trip's secret is not
 * kept.
 */
function createPersonStore(): {
  fillIn(nickname: HTMLInputElement, color: RadioNodeList): void;
  save(person: Person): void;
} {
  const store = browserStore("chattera:me");
  return {
    fillIn(nickname, color) {
      const known = parsed(store.load()) as Person | undefined;
      if (nickname.value !== "" || known === undefined) return;
      nickname.value = known.nickname;
      color.value = known.color;
    },
    save: (person) => store.save(printed(person)),
  };
}
