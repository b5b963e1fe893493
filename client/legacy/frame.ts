import { PATHS } from "../../protocol/paths.ts";
import { without } from "../core/base/list.ts";
import { receive } from "../core/reading/receive.ts";
import type { Ending, Transport } from "../core/reading/transport.ts";
import { type Address, param, readingUrl } from "../core/reading/url.ts";
import { json } from "./json.ts";

type File = PageDocument & { parentWindow: { [name: string]: unknown } };

// [IE6] what nobody holds is collected, and the connection with it
let held: File[] = [];

/**
 * An endless page in a frame, for Internet Explorer before 10: its scripts run as they come. The frame stands in a
 * document beside the page ("htmlfile"), or the browser would click at every frame and show the page as loading for ever.
 * `undefined` where ActiveX is switched off.
 */
export function createFrame(address: Address): Transport | undefined {
  try {
    new ActiveXObject("htmlfile");
  } catch (_isForbidden) {
    return undefined;
  }
  return {
    name: "frame",
    streams: true,
    open(reading, sink) {
      let isGreeted = false;
      let isOver = false;
      const url = readingUrl(address, PATHS.frame, reading) + param("callback", "parent.c");
      let file: File | undefined = openFile(url, take, broken);
      return stop;

      function take(name: string, data: unknown, cursor?: string): void {
        if (isOver) return;
        if (name === "hello") isGreeted = true;
        // [IE] what a frame's script has made dies with the frame: a copy of our own lives
        receive(sink, name, json.parse(json.print(data)), cursor || "", (retryMs) => end({ how: "bye", retryMs }));
      }

      function broken(): void {
        end({ how: isGreeted ? "cut" : "refused" });
      }

      function end(ending: Ending): void {
        if (isOver) return;
        stop();
        sink.ended(ending);
      }

      function stop(): void {
        isOver = true;
        // [IE6] a frame that goes while its own script is calling takes the browser with it
        setTimeout(closeFile, 0);
      }

      function closeFile(): void {
        if (file === undefined) return;
        const gone = file;
        file = undefined;
        gone.body.innerHTML = "";
        held = without(held, gone);
      }
    },
  };
}

function openFile(url: string, take: (name: string, data: unknown, cursor?: string) => void, ended: () => void): File {
  const file = new ActiveXObject("htmlfile");
  file.open();
  file.write("<html><body></body></html>");
  file.close();
  file.parentWindow.c = take;
  held.push(file);
  const frame = file.createElement("iframe");
  // [IE7] the property onload of a made frame is never looked at
  frame.attachEvent("onload", ended);
  frame.src = url;
  file.body.appendChild(frame);
  return file;
}
