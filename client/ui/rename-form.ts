import type { Member } from "../../protocol/event.ts";
import { renameMember } from "../core/sending/change.ts";
import type { Sender } from "../core/sending/send.ts";
import type { Page } from "../page.ts";
import { part } from "./part.ts";

/** Opens the form for another nickname and color above the field, or closes it. */
export function toggleRenameForm(page: Page, sender: Sender, renamed: (member: Member) => void): void {
  const known = document.getElementById("rename");
  if (known) {
    close(known);
    return;
  }
  const { dataset } = part("members");
  const form = document.createRange().createContextualFragment(dataset.rename || "").firstElementChild;
  if (!(form instanceof HTMLFormElement)) return;
  const nickname = form.elements.namedItem("nickname") as HTMLInputElement;
  const color = form.elements.namedItem("color") as RadioNodeList;
  nickname.value = page.me.nickname;
  color.value = page.me.color;
  let giveUp = () => {};
  const cancel = () => {
    giveUp();
    close(form);
  };
  form.querySelector("[type=button]")?.addEventListener("click", cancel);
  form.addEventListener("keydown", ({ key, isComposing }) => key === "Escape" && !isComposing && cancel());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    giveUp();
    form.setAttribute("aria-busy", "true");
    giveUp = renameMember(sender, { room: page.room, nickname: nickname.value, color: color.value }, (outcome) => {
      form.setAttribute("aria-busy", "false");
      if ("refused" in outcome) complain(form, outcome.refused, page);
      else {
        renamed(outcome.done);
        close(form);
      }
    });
  });
  document.querySelector(".foot")?.prepend(form);
  nickname.focus();
  nickname.select();
}

function close(form: HTMLElement): void {
  form.remove();
  document.getElementById("text")?.focus();
}

function complain(form: HTMLFormElement, code: string, { words: { refusals } }: Page): void {
  form.querySelector(".problem")?.remove();
  const problem = document.createElement("p");
  problem.className = "problem";
  problem.setAttribute("role", "alert");
  form.prepend(problem);
  // An alert is read aloud when its text is set.
  problem.textContent = refusals[code] || refusals.internal || code;
  (form.elements.namedItem("nickname") as HTMLElement).focus();
}
