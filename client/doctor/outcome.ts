import type { DoctorFault, DoctorStep } from "../../protocol/doctor.ts";
import type { Diagnosis, Fault } from "./diagnose.ts";
import type { Findings, LastingFinding } from "./findings.ts";

/**
 * What to say of a step: a fault, that it is fine, that it cuts where nobody needs it, that it does not pass where
 * something like it does, that it was not seen, that the site was too busy for it, or nothing.
 */
export type Outcome = {
  code: DoctorFault | "fine" | "harmless" | "blocked" | "unseen" | "busy" | "untried";
  figure: number;
};

/** The outcomes of one step: its faults, else one other. */
export function outcomesOf(step: DoctorStep, findings: Findings, { faults }: Diagnosis): Outcome[] {
  const outcomes: Outcome[] = [];
  for (let i = 0; i < faults.length; i++) {
    const { step: of, code, figure } = faults[i] as Fault;
    if (of === step) outcomes.push({ code, figure });
  }
  return outcomes.length > 0 ? outcomes : [harmlessOutcome(step, findings)];
}

function harmlessOutcome(step: DoctorStep, findings: Findings): Outcome {
  if (findings.untested?.[step]) return { code: "busy", figure: 0 };
  // who sees nothing else before its end may not see a frame's either
  const isBlind = findings.eventStream?.outcome === "unseen" && findings.frame?.outcome === "held";
  if (step === "frame" && isBlind) return { code: "unseen", figure: 0 };
  if (step === "eventStream" || step === "octetStream" || step === "postStream" || step === "frame")
    return streamOutcome(findings[step]?.outcome);
  if (step === "hold25" || step === "idle20" || step === "idle45" || step === "idle70" || step === "lifetime70")
    return lastingOutcome(findings[step]);
  return { code: findings.reach === "ok" ? "fine" : "untried", figure: 0 };
}

/** A stream that does not pass beside one that does is no fault by itself, but is not called fine. */
function streamOutcome(outcome: string | undefined): Outcome {
  if (outcome === undefined) return { code: "untried", figure: 0 };
  if (outcome === "unseen") return { code: "unseen", figure: 0 };
  if (outcome === "fine" || outcome === "late" || outcome === "held") return { code: outcome, figure: 0 };
  return { code: "blocked", figure: 0 };
}

function lastingOutcome(finding: LastingFinding | undefined): Outcome {
  if (finding === undefined) return { code: "untried", figure: 0 };
  if (finding.outcome === "fine") return { code: "fine", figure: 0 };
  return { code: "harmless", figure: Math.floor(finding.ms / 1000) };
}
