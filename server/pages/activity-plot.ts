import { grouped } from "../../protocol/line.ts";
import { type Html, html } from "./html.ts";
import { fill, wordsOf } from "./language.ts";
import type { PageLayout } from "./layout.ts";
import { now, timeStamp } from "./time-stamp.ts";

/** The messages of ten minutes that began at `at`, and the most people at once. */
export type ActivityView = { at: string; messages: number; people: number };

const SLOT_MS = 10 * 60_000;
const SLOTS = 144;
const SLOTS_AN_HOUR = 6;

// One unit of the picture is a sixth of a slot. The style sheet stretches it.
const SLOT_WIDTH = 6;
const BAR_WIDTH = 5;
const HEIGHT = 100;

/** One slot of the plot. */
type Slot = { at: string; messages: number; people: number };

/**
 * Renders the messages and the people of the last day: as two pictures without a script, and as a
 * table. The words are outside the pictures, since old browsers show the text of an SVG as text.
 */
export function activityPlot(layout: PageLayout, activity: ActivityView[]): Html {
  const { day } = wordsOf(layout.language).moderation.operate;
  const slots = slotsOf(activity, Date.parse(now()));
  const messages = slots.reduce((sum, slot) => sum + slot.messages, 0);
  const people = Math.max(...slots.map((slot) => slot.people));
  const summary = fill(day.summary, { messages: grouped(messages), people: grouped(people) });
  const most = Math.max(...slots.map((slot) => slot.messages));
  return html`<section id="activity" class="activity">
<h2>${day.title}</h2>
<p>${summary}</p>
${plot({ label: day.messages, most: fill(day.most, { n: grouped(most) }), path: bars(slots, most), name: "messages" })}
${plot({ label: day.people, most: fill(day.most, { n: grouped(people) }), path: area(slots, people), name: "people" })}
<p class="plot-hours">${[0, 6, 12, 18].map((hour) => timeStamp(layout, (slots[hour * SLOTS_AN_HOUR] as Slot).at))} ${timeStamp(layout, now())}</p>
${activity.length === 0 && html`<p class="hint">${day.empty}</p>`}
<details${!layout.canOpen && " open"}><summary>${day.table}</summary>${table(layout, slots)}</details>
</section>`;
}

function plot({ label, most, path, name }: { label: string; most: string; path: string; name: string }): Html {
  return html`<p class="plot-title">${label} <span class="hint">${most}</span></p>
<svg class="plot plot-${name}" viewBox="0 0 ${SLOTS * SLOT_WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${label}: ${most}"><path d="${path}"/></svg>
`;
}

/** Returns the slots of the last day, the current one last. */
function slotsOf(activity: ActivityView[], nowMs: number): Slot[] {
  const last = Math.floor(nowMs / SLOT_MS);
  const known = new Map(activity.map((one) => [Math.floor(Date.parse(one.at) / SLOT_MS), one]));
  return Array.from({ length: SLOTS }, (_, n) => {
    const slot = last - SLOTS + 1 + n;
    const { messages = 0, people = 0 } = known.get(slot) ?? {};
    return { at: new Date(slot * SLOT_MS).toISOString(), messages, people };
  });
}

function bars(slots: Slot[], most: number): string {
  return slots
    .map(({ messages }, n) => {
      const height = heightOf(messages, most);
      return height === 0 ? "" : `M${n * SLOT_WIDTH} ${HEIGHT}v-${height}h${BAR_WIDTH}v${height}z`;
    })
    .join("");
}

function area(slots: Slot[], most: number): string {
  const steps = slots.map(({ people }) => `V${HEIGHT - heightOf(people, most)}h${SLOT_WIDTH}`);
  return `M0 ${HEIGHT}${steps.join("")}V${HEIGHT}z`;
}

function heightOf(value: number, most: number): number {
  if (value === 0) return 0;
  // Something that happened is seen.
  return Math.max(2, Math.round((value / most) * HEIGHT));
}

/** The hours of the plot, the newest first. */
function table(layout: PageLayout, slots: Slot[]): Html {
  const { day } = wordsOf(layout.language).moderation.operate;
  const rows: Html[] = [];
  for (let from = slots.length - SLOTS_AN_HOUR; from >= 0; from -= SLOTS_AN_HOUR) {
    const hour = slots.slice(from, from + SLOTS_AN_HOUR);
    const messages = hour.reduce((sum, slot) => sum + slot.messages, 0);
    const people = Math.max(...hour.map((slot) => slot.people));
    rows.push(
      html`<tr><th scope="row">${timeStamp(layout, (hour[0] as Slot).at)}</th><td>${grouped(messages)}</td><td>${grouped(people)}</td></tr>\n`,
    );
  }
  return html`<table class="figures">
<thead><tr><th scope="col">${day.hour}</th><th scope="col">${day.messages}</th><th scope="col">${day.people}</th></tr></thead>
<tbody>
${rows}</tbody>
</table>`;
}
