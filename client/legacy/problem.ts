import { byId, create, remove } from "./dom.ts";

/** Shows in `parent`, above `below`, that something went wrong. */
export function showProblem(sentence: string | undefined, parent: PageElement, below: PageElement | null): void {
  const old = byId("problem");
  if (old !== undefined) remove(old);
  const problem = create("p", "problem", sentence);
  problem.id = "problem";
  // An alert is read aloud.
  problem.setAttribute("role", "alert");
  parent.insertBefore(problem, below);
}
