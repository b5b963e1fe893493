import { type Reception, receive } from "./receive.ts";

/**
 * The text of an event stream that arrives in pieces: `at` is the beginning of what was not read.
 */
export type StreamText = { reception: Reception; at: number; parse(json: string): unknown };

/** Passes on the blocks that have become complete in the text so far. */
export function takeBlocks(stream: StreamText, text: string): void {
  for (let end = text.indexOf("\n\n", stream.at); end >= 0; end = text.indexOf("\n\n", stream.at)) {
    const block = text.slice(stream.at, end).split("\n");
    stream.at = end + 2;
    takeBlock(stream, block);
  }
}

function takeBlock({ reception, parse }: StreamText, block: string[]): void {
  let name = "message";
  let data = "";
  let cursor = "";
  for (let i = 0; i < block.length; i++) {
    const line = block[i] as string;
    const value = line.slice(line.indexOf(":") + 2);
    if (line.indexOf("data:") === 0) data += value;
    else if (line.indexOf("event:") === 0) name = value;
    else if (line.indexOf("id:") === 0) cursor = value;
  }
  if (data !== "") receive(reception, { name, data: parse(data), cursor });
}
