import type { DoctorFault, DoctorStep } from "../../protocol/doctor.ts";
import type { Diagnosis, Fault } from "./diagnose.ts";
import type { Findings, LastingFinding } from "./findings.ts";

/**
 * The outcome of a step, as it is shown: a fault or
 * - `fine`;
 * - `harmless`: the network cuts something that chattera does not need;
 * - `blocked`: it does not get through, but a similar thing does;
 * - `unseen`: this browser cannot show it;
 * - `busy`: the site was too busy to test it;
 * - `untried`.
 */
export type StepOutcome = {
  code: DoctorFault | "fine" | "harmless" | "blocked" | "unseen" | "busy" | "untried";
  figure: number;
};

/** Returns the outcomes of one step: its faults, or else one other outcome. */
export function outcomesOf(step: DoctorStep, findings: Findings, { faults }: Diagnosis): StepOutcome[] {
  const outcomes: StepOutcome[] = [];
  for (let i = 0; i < faults.length; i++) {
    const { step: faultyStep, code, figure } = faults[i] as Fault;
    if (faultyStep === step) outcomes.push({ code, figure });
  }
  return outcomes.length > 0 ? outcomes : [harmlessOutcome(step, findings)];
}

function harmlessOutcome(step: DoctorStep, findings: Findings): StepOutcome {
  if (findings.untested?.[step]) return { code: "busy", figure: 0 };
  // A browser that shows nothing before its end may not show an iframe early either.
  const isBlind = findings.eventStream?.outcome === "unseen" && findings.frame?.outcome === "held";
  if (step === "frame" && isBlind) return { code: "unseen", figure: 0 };
  if (step === "eventStream" || step === "octetStream" || step === "postStream" || step === "frame")
    return streamOutcome(findings[step]?.outcome);
  if (step === "hold25" || step === "idle20" || step === "idle45" || step === "idle70" || step === "lifetime70")
    return lastingOutcome(findings[step]);
  return { code: findings.reach === "ok" ? "fine" : "untried", figure: 0 };
}

/** A stream that does not get through where another does is no fault, but it is not fine either. */
function streamOutcome(outcome: string | undefined): StepOutcome {
  if (outcome === undefined) return { code: "untried", figure: 0 };
  if (outcome === "unseen") return { code: "unseen", figure: 0 };
  if (outcome === "fine" || outcome === "late" || outcome === "held") return { code: outcome, figure: 0 };
  return { code: "blocked", figure: 0 };
}

function lastingOutcome(finding: LastingFinding | undefined): StepOutcome {
  if (finding === undefined) return { code: "untried", figure: 0 };
  if (finding.outcome === "fine") return { code: "fine", figure: 0 };
  return { code: "harmless", figure: Math.floor(finding.ms / 1000) };
}
