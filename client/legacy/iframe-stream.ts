import { PATHS } from "../../protocol/paths.ts";
import { type Address, param, placed } from "../core/base/address.ts";
import { without } from "../core/base/list.ts";
import { breakOff, createReception, receive, stop } from "../core/reading/receive.ts";
import type { Transport } from "../core/reading/transport.ts";
import { readingUrl } from "../core/reading/url.ts";
import { json } from "./json.ts";

type File = PageDocument & { parentWindow: { [name: string]: unknown } };
type Take = (name: string, data: unknown, cursor?: string) => void;

// [IE6] A document without a reference is garbage-collected, and its connection with it.
let held: File[] = [];

/**
 * Creates a transport for Internet Explorer before 10: an endless page in an iframe, whose scripts
 * run as they arrive. The iframe is in a document outside the page ("htmlfile"), or the browser
 * would click at every frame and show the page as loading forever. Returns `undefined` if ActiveX
 * is switched off.
 */
export function createIframeStream(address: Address): Transport | undefined {
  try {
    new ActiveXObject("htmlfile");
  } catch (_isForbidden) {
    return undefined;
  }
  return {
    name: "frame",
    streams: true,
    open(reading, sink) {
      // [IE6] An iframe that is removed while its own script runs crashes the browser.
      const reception = createReception(sink, () => setTimeout(() => closeFile(file), 0));
      const take: Take = (name, data, cursor = "") => {
        // [IE] An object of an iframe's script dies with the iframe. A copy lives on.
        receive(reception, { name, data: json.parse(json.print(data)), cursor });
      };
      const url = placed(address, readingUrl(address, PATHS.frame, reading) + param("callback", "parent.c"));
      const file = openFile(url, take, () => breakOff(reception));
      return () => stop(reception);
    },
  };
}

function openFile(url: string, take: Take, ended: () => void): File {
  const file = new ActiveXObject("htmlfile");
  file.open();
  file.write("<html><body></body></html>");
  file.close();
  file.parentWindow.c = take;
  held.push(file);
  const iframe = file.createElement("iframe");
  // [IE7] A created iframe ignores the property onload.
  iframe.attachEvent("onload", ended);
  iframe.src = url;
  file.body.appendChild(iframe);
  return file;
}

function closeFile(file: File): void {
  file.body.innerHTML = "";
  held = without(held, file);
}
