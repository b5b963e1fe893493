import { DOCTOR_STEPS } from "../../protocol/doctor.ts";
import { PATHS } from "../../protocol/paths.ts";
import { REMEDIES, type Remedy } from "../doctor/remedies.ts";
import { type Html, html, link } from "./html.ts";
import { wordsOf } from "./language.ts";
import { homeLink, languageSwitch, type PageLayout, renderDocument } from "./layout.ts";

/**
 * Renders the page of the path doctor. Its script fills in the outcomes and shows the remedies for
 * the faults it finds. Without script, the page says so and lists the tests and all remedies.
 * `assets` are whole URLs. They are linked in the body, because no other page needs them and they
 * must work in Internet Explorer 7.
 */
export function renderDoctor(layout: PageLayout, assets: { script: string; style: string }): string {
  const words = wordsOf(layout.language).doctor;
  const { sentences, outcomes, faults, longer } = words;
  const body = html`<link rel="stylesheet" href="${link(assets.style)}">
<header class="bar">${homeLink(layout)}<h1 class="bar-title">${words.title}</h1><nav class="bar-end">${languageSwitch(layout)}</nav></header>
<main id="doctor" class="doctor" data-base="${link(layout.basePath)}" data-words="${JSON.stringify({ sentences, outcomes, faults, longer })}">
<p>${words.lead}</p>
<noscript><p class="problem">${words.needsScript} <a href="${link(layout.basePath + PATHS.live("lobby"))}">${words.live}</a></p></noscript>
<p id="sentence" class="sentence" role="status"></p>
<p id="longer" class="hint"></p>
<h2>${words.tests}</h2>
<ol class="tests">
${DOCTOR_STEPS.map((step) => html`<li id="test-${step}" class="test"><span class="test-name">${words.steps[step]}</span> <span id="outcome-${step}" class="outcome"></span></li>\n`)}</ol>
<div id="operator" class="operator">
<h2>${words.operator}</h2>
<p class="hint">${words.operatorHint}</p>
${REMEDIES.map((remedy) => remedySection(layout, remedy))}</div>
<div id="report-box" class="report-box">
<h2><label for="report">${words.report}</label></h2>
<p id="report-hint" class="hint">${words.reportHint}</p>
<textarea id="report" class="report" rows="8" cols="60" readonly aria-describedby="report-hint"></textarea>
</div>
<p><a class="button quiet" href="${link(layout.basePath + PATHS.lobby)}">${wordsOf(layout.language).back}</a></p>
</main>
<script src="${link(assets.script)}"></script>`;
  return renderDocument(layout, { name: "doctor-page", title: words.title, body });
}

function remedySection(layout: PageLayout, remedy: Remedy): Html {
  const names: { [name: string]: string } = wordsOf(layout.language).doctor.remedies;
  return html`<div id="remedy-${remedy.name}" class="remedy" data-cures="${remedy.cures.join(" ")}">
<h3>${names[remedy.name]}</h3>
${remedy.programs.map(({ name, lines }) => html`<h4>${name}</h4>\n<pre tabindex="0">${lines}</pre>\n`)}</div>
`;
}
