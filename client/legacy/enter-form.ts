import type { Member } from "../../protocol/event.ts";
import { enter } from "../core/sending/enter.ts";
import type { Sender } from "../core/sending/send.ts";
import type { Page } from "../page.ts";
import { part, valuesOf } from "./dom.ts";
import { takeFocus } from "./keyboard.ts";
import { showProblem } from "./problem.ts";

// A blocked kind of request is noticed at once, a swallowed one after a timeout. After five
// attempts the browser submits the form itself.
const ATTEMPTS = 5;

/** The options of an enter form. `entered` gets the member, who stays on the page. */
export type EnterFormUse = { page: Page; sender: Sender; entered(member: Member): void };

/** Lets a form enter the room by whatever kind of request this network lets through. */
export function openEnterForm(form: PageElement, { page, sender, entered }: EnterFormUse): void {
  let isUnderWay = false;
  form.onsubmit = () => {
    if (!isUnderWay) enterRoom();
    isUnderWay = true;
    return false;
  };

  function enterRoom(): void {
    const { nickname, color } = valuesOf(form) as { nickname: string; color: string };
    enter(sender, { room: page.room, nickname, color, silent: isSilent(), attempts: ATTEMPTS }, (outcome) => {
      if ("refused" in outcome) refuse(outcome.refused);
      else if ("token" in outcome) entered(outcome.member);
      else form.submit();
    });
  }

  function isSilent(): boolean {
    const inputs = form.getElementsByTagName("input");
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i] as PageElement;
      if (input.name === "silent") return input.checked;
    }
    return false;
  }

  function refuse(code: string): void {
    isUnderWay = false;
    const { refusals } = page.words;
    showProblem(refusals[code] || refusals.internal, form, form.firstChild);
    takeFocus(part("nickname"));
  }
}
