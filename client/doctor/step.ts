import type { DoctorStep } from "../../protocol/doctor.ts";
import type { Findings } from "./findings.ts";
import type { Trial } from "./site.ts";

/** The context of a step, which writes into `findings`. */
export type Exam = Trial & { findings: Findings };

/** One step of the examination. It calls `done` exactly once, unless it ends by `busy`. */
export type ExamStep = { name: DoctorStep; run(exam: Exam, done: () => void): void };
