import { DOCTOR_STEPS, type DoctorStep } from "../../protocol/doctor.ts";
import { environment } from "../environment.ts";
import { type Diagnosis, diagnose } from "./diagnose.ts";
import type { DoctorEnvironment } from "./environment.ts";
import { examine } from "./examine.ts";
import type { Findings } from "./findings.ts";
import { requestByIframe } from "./iframe.ts";
import { parseJson, printJson } from "./json.ts";
import { outcomesOf, type StepOutcome } from "./outcome.ts";
import { createReport } from "./report.ts";
import { requestByXhr, seesStreams } from "./xhr.ts";

type Texts = { [name: string]: string };
type DoctorWords = { sentences: Texts; outcomes: Texts; faults: Texts; longer: string };

const main = byId("doctor");
const words = parseJson(main.getAttribute("data-words") as string) as DoctorWords;
const ended: { [step: string]: boolean } = {};

show("sentence", words.sentences.running as string);
hideRemedies();
byId("operator").style.display = "none";
byId("report-box").style.display = "none";
examine(doctorEnvironment(), false, {
  onStep: (step, isDone, findings) => {
    ended[step] = isDone;
    if (!isDone) show(`outcome-${step}`, words.outcomes.running as string, "running");
    else showOutcomes(findings);
  },
  onShort: (findings) => {
    show("longer", words.longer);
    showResult(findings);
  },
  onDone: (findings) => {
    show("longer", "");
    for (let i = 0; i < DOCTOR_STEPS.length; i++) ended[DOCTOR_STEPS[i] as DoctorStep] = true;
    showOutcomes(findings);
    showResult(findings);
    main.setAttribute("data-done", "true");
  },
});

function doctorEnvironment(): DoctorEnvironment {
  const { protocol, host } = window.location;
  return {
    base: `${protocol}//${host}${main.getAttribute("data-base")}`,
    host,
    isTls: protocol === "https:",
    clock: environment,
    parse: parseJson,
    request: requestByXhr,
    requestByIframe,
    seesStreams: seesStreams(),
    http: httpVersion,
    // A browser opens six connections per host, and one stays free; [IE7] opens two.
    lanes: seesStreams() ? 5 : 2,
  };
}

function httpVersion(): string {
  if (typeof performance === "undefined" || performance.getEntriesByType === undefined) return "";
  const entries = performance.getEntriesByType("resource") as PerformanceResourceTiming[];
  return entries[entries.length - 1]?.nextHopProtocol ?? "";
}

/**
 * Shows all outcomes again after each step: what is wrong with one kind of stream depends on the
 * others.
 */
function showOutcomes(findings: Findings): void {
  const diagnosis = diagnose(findings);
  for (let i = 0; i < DOCTOR_STEPS.length; i++) {
    const step = DOCTOR_STEPS[i] as DoctorStep;
    if (!ended[step]) continue;
    const outcomes = outcomesOf(step, findings, diagnosis);
    let text = "";
    let isFault = false;
    for (let k = 0; k < outcomes.length; k++) {
      const { code, figure } = outcomes[k] as StepOutcome;
      isFault = isFault || words.faults[code] !== undefined;
      const outcomeText = (words.faults[code] ?? words.outcomes[code]) as string;
      text += (k > 0 ? " / " : "") + outcomeText.replace("{figure}", String(figure));
    }
    show(`outcome-${step}`, text, isFault ? "fault" : (outcomes[0] as StepOutcome).code);
  }
}

function showResult(findings: Findings): void {
  const diagnosis = diagnose(findings);
  const text = words.sentences[diagnosis.sentence] as string;
  show("sentence", text.replace("{seconds}", String(diagnosis.lateSeconds)), `sentence ${diagnosis.sentence}`);
  showRemedies(diagnosis);
  byId("report-box").style.display = "";
  (byId("report") as HTMLTextAreaElement).value = printJson(
    createReport({ by: "page", quick: false, diagnosis, findings }),
  );
}

function hideRemedies(): void {
  eachRemedy((remedy) => {
    remedy.style.display = "none";
  });
}

function showRemedies({ faults }: Diagnosis): void {
  let isAny = false;
  eachRemedy((remedy) => {
    const cures = ` ${remedy.getAttribute("data-cures")} `;
    for (let i = 0; i < faults.length; i++)
      if (cures.indexOf(` ${faults[i]?.code} `) >= 0) {
        remedy.style.display = "";
        isAny = true;
      }
  });
  if (isAny) byId("operator").style.display = "";
}

function eachRemedy(work: (remedy: HTMLElement) => void): void {
  const all = byId("operator").getElementsByTagName("div");
  for (let i = 0; i < all.length; i++) if (all[i]?.className === "remedy") work(all[i] as HTMLElement);
}

/** Leaves an unchanged text alone, because screen readers would read it aloud again. */
function show(id: string, text: string, className?: string): void {
  const element = byId(id);
  if (className !== undefined && id !== "sentence") element.className = `outcome ${className}`;
  else if (className !== undefined) element.className = className;
  if (element.firstChild !== null && element.firstChild.nodeValue === text) return;
  while (element.firstChild !== null) element.removeChild(element.firstChild);
  element.appendChild(document.createTextNode(text));
}

function byId(id: string): HTMLElement {
  return document.getElementById(id) as HTMLElement;
}
