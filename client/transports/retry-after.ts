/** What an answer's `Retry-After` asks for. [RFC 9110 10.2.3] seconds; a date is not worth believing two clocks for. */
export function retryAfterMs(response: Response): { retryMs?: number } {
  const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return seconds >= 0 ? { retryMs: Math.min(seconds, 300) * 1000 } : {};
}
