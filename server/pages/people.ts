import type { Member } from "../../protocol/event.ts";
import { sealOf } from "../../protocol/line.ts";
import { type Html, html } from "./html.ts";
import type { Words } from "./ja.ts";
import { fill } from "./language.ts";

/** Who is here, as a fold on the phone and a column on the desktop, with the number of those who only watch. */
export function people(words: Words, members: Member[], visitors: number): Html {
  const figures = fill(words.script.peopleFigures, { members: members.length, visitors });
  return html`<details class="people">
<summary><span class="people-title">${words.people}</span> <span id="people-figures" class="people-figures">${figures}</span></summary>
<ul id="members" class="members" aria-label="${words.people}">
${members.map(personItem)}
</ul>
<template id="person"><li class="person"><span class="nickname"></span><span class="trip"></span></li></template>
</details>`;
}

function personItem(member: Member): Html {
  return html`<li class="person" data-member-id="${member.id}" data-color="${member.color}" data-seal="${sealOf(member.nickname)}"><span class="nickname">${member.nickname}</span>${member.trip !== undefined && html`<span class="trip">${member.trip}</span>`}</li>
`;
}
