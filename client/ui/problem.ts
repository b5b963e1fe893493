/** Shows that something went wrong, in place of the problem before. `place` puts the line somewhere. */
export function showProblem(sentence: string, place: (line: HTMLElement) => void): void {
  document.getElementById("problem")?.remove();
  const line = document.createElement("p");
  Object.assign(line, { id: "problem", className: "problem" });
  line.setAttribute("role", "alert");
  place(line);
  // An alert is read aloud when its text is set.
  line.textContent = sentence;
}
