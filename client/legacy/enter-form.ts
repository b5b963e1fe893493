import type { Member } from "../../protocol/event.ts";
import { PATHS } from "../../protocol/paths.ts";
import { createBackoff } from "../core/network/backoff.ts";
import type { Sender } from "../core/sending/send.ts";
import { browser } from "./browser.ts";
import { byId, create, remove, valuesOf } from "./dom.ts";
import type { Page } from "./page.ts";

// A blocked kind of request is known at once, a swallowed one after its time; then the form itself has the last word.
const ATTEMPTS = 5;

/** Enters the room without leaving its page, by whatever kind of request this network lets through. */
export function openEnterForm(form: PageElement, page: Page, sender: Sender, entered: (member: Member) => void): void {
  let isUnderWay = false;
  form.onsubmit = () => {
    if (!isUnderWay) enter();
    isUnderWay = true;
    return false;
  };

  function enter(): void {
    const person = valuesOf(form) as { nickname: string; color: string };
    const backoff = createBackoff(browser);
    let attempts = 0;
    const attempt = () => {
      attempts++;
      sender.session(person, (outcome) => {
        if ("refused" in outcome) refuse(outcome.refused);
        else if ("token" in outcome) enterRoom(outcome.token, outcome.member);
        else if (attempts < ATTEMPTS) browser.later(backoff.next(outcome.retryMs), attempt);
        else form.submit();
      });
    };
    attempt();
  }

  // Where no POST passes, who speaks enters by that.
  function enterRoom(token: string, member: Member): void {
    page.address.token = token;
    sender.act(PATHS.enter(page.room), (outcome) => {
      if ("refused" in outcome) refuse(outcome.refused);
      else entered(member);
    });
  }

  function refuse(code: string): void {
    isUnderWay = false;
    const old = byId("problem");
    if (old !== undefined) remove(old);
    const { refusals } = page.words;
    const problem = create("p", "problem", refusals[code] ?? refusals.internal);
    problem.id = "problem";
    form.insertBefore(problem, form.firstChild);
  }
}
