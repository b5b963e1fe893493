import { PATHS } from "../../protocol/paths.ts";
import { createBackoff } from "../core/network/backoff.ts";
import type { Address } from "../core/reading/url.ts";
import { createSender } from "../core/sending/send.ts";
import { http } from "../transports/fetch.ts";
import { browser } from "./browser.ts";
import { browserStore, parsed } from "./browser-store.ts";
import { keepSession } from "./kept-session.ts";

// A blocked kind of request is known at once, a swallowed one after its time; then the form itself has the last word.
const ATTEMPTS = 5;

/**
 * Enters by whatever kind of request this network lets through, and keeps the session in this tab for a network that
 * loses its cookie. `refusals` are the sentences for what the server would not have.
 */
export function openEnterForm(
  form: HTMLFormElement,
  { base, room, refusals }: { base: string; room?: string; refusals: { [code: string]: string } },
): void {
  const nickname = form.elements.namedItem("nickname") as HTMLInputElement;
  const color = form.elements.namedItem("color") as RadioNodeList;
  const formToken = (form.elements.namedItem("form_token") as HTMLInputElement).value;
  const known = createEntry();
  let isUnderWay = false;
  known.fillIn(nickname, color);

  form.addEventListener("submit", (event) => {
    known.save({ nickname: nickname.value.split("#")[0] ?? "", color: color.value });
    const button = event.submitter as HTMLButtonElement | null;
    const slug = room ?? button?.value;
    if (!slug) return;
    event.preventDefault();
    if (isUnderWay) return;
    wait(true);
    enter(slug, button);
  });
  // a page that comes back from the browser's cache waits for nothing any more
  window.addEventListener("pageshow", () => wait(false));

  function enter(slug: string, button: HTMLButtonElement | null): void {
    const address: Address = { base, formToken };
    const sender = createSender(browser, http, address);
    const backoff = createBackoff(browser);
    const person = { nickname: nickname.value, color: color.value };
    let attempts = 0;
    attempt();

    function attempt(): void {
      attempts++;
      sender.session(person, (outcome) => {
        if ("refused" in outcome) refuse(outcome.refused);
        else if ("retry" in outcome) attemptAgain(outcome.retryMs);
        else {
          address.token = outcome.token;
          // Where no POST passes, who speaks enters by that.
          sender.act(PATHS.enter(slug), (entering) => {
            if ("refused" in entering) refuse(entering.refused);
            else {
              keepSession(base, outcome.token, outcome.member, slug);
              location.assign(base + PATHS.room(slug));
            }
          });
        }
      });
    }

    function attemptAgain(retryMs: number | undefined): void {
      if (attempts < ATTEMPTS) browser.later(backoff.next(retryMs), attempt);
      else submitAsItIs(slug, button);
    }
  }

  function submitAsItIs(slug: string, button: HTMLButtonElement | null): void {
    if (button?.name === "room") {
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name: "room", value: slug });
      form.append(field);
    }
    form.submit();
  }

  function refuse(code: string): void {
    wait(false);
    document.getElementById("problem")?.remove();
    const problem = document.createElement("p");
    Object.assign(problem, { id: "problem", className: "problem" });
    problem.setAttribute("role", "alert");
    form.querySelector(".nickname-field")?.before(problem);
    // an alert is read aloud when its text comes
    problem.textContent = refusals[code] ?? refusals.internal ?? code;
    nickname.setAttribute("aria-invalid", "true");
    nickname.focus();
  }

  function wait(is: boolean): void {
    isUnderWay = is;
    form.setAttribute("aria-busy", String(is));
  }
}

type Entry = { nickname: string; color: string };

/** Nickname and color in this browser, for the day when the session is over. A trip's secret is not kept. */
function createEntry(): { fillIn(nickname: HTMLInputElement, color: RadioNodeList): void; save(entry: Entry): void } {
  const store = browserStore("chattera:me");
  return {
    fillIn(nickname, color) {
      const known = parsed(store.load()) as Entry | undefined;
      if (nickname.value !== "" || known === undefined) return;
      nickname.value = known.nickname;
      color.value = known.color;
    },
    save: (entry) => store.save(JSON.stringify(entry)),
  };
}
