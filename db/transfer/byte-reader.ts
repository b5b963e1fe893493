/** Reads a stream of bytes as lines and as blocks of a known length. */
export type ByteReader = {
  /**
   * Returns the next line without its end, `undefined` at the end of the stream. A line of more
   * than `max` bytes counts as the end.
   */
  line(max: number): Promise<string | undefined>;
  /** Yields the next `count` bytes in parts, fewer at the end of the stream. */
  bytes(count: number): AsyncGenerator<Buffer>;
};

/** Creates a reader of a stream. It keeps one part of the stream in memory. */
export function createByteReader(source: AsyncIterable<Buffer>): ByteReader {
  const parts = source[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);

  return { line, bytes };

  async function line(max: number): Promise<string | undefined> {
    for (let end = rest.indexOf(10); ; end = rest.indexOf(10)) {
      if (end !== -1 && end <= max) {
        const text = rest.toString("utf8", 0, end);
        rest = rest.subarray(end + 1);
        return text;
      }
      if (rest.length > max) return undefined;
      if (!(await more())) return theRest();
    }
  }

  /** The last line may lack its end. */
  function theRest(): string | undefined {
    const text = rest.toString("utf8");
    rest = Buffer.alloc(0);
    return text === "" ? undefined : text;
  }

  async function* bytes(count: number): AsyncGenerator<Buffer> {
    for (let missing = count; missing > 0; ) {
      if (rest.length === 0 && !(await more())) return;
      const part = rest.subarray(0, missing);
      rest = rest.subarray(part.length);
      missing -= part.length;
      yield part;
    }
  }

  async function more(): Promise<boolean> {
    const { value, done } = await parts.next();
    if (done) return false;
    rest = rest.length === 0 ? value : Buffer.concat([rest, value]);
    return true;
  }
}
