import { part } from "./part.ts";

/** Shows the page's help, which the server has written. Its button and the Escape key close it. */
export function showHelp(field: HTMLElement): void {
  const help = part("help");
  const close = () => {
    help.hidden = true;
    field.focus();
  };
  help.hidden = false;
  help.onkeydown = ({ key }) => key === "Escape" && close();
  (help.querySelector("button") as HTMLElement).onclick = close;
  help.focus();
}
