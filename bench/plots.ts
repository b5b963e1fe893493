import { writeFileSync } from "node:fs";
import { init } from "echarts";
import { type Result, rising } from "./scenarios.ts";
import { Missing } from "./systems/missing.ts";
import type { System, SystemOptions } from "./systems/system.ts";

/**
 * Draws what the README of the docs shows: latencies in the room of S1, and CPU against the rate
 * there. Measures for some minutes.
 *
 *     npm run build && npx tsx bench/plots.ts
 */
const SYSTEMS = ["chattera", "nchan", "centrifuge", "socket.io", "better-sse", "naive"];
const RATES = [10, 30, 100, 300];
const SECONDS = 6;

const bySystem = new Map<string, { rate: number; result: Result }[]>();
for (const name of SYSTEMS) {
  const { start } = (await import(`./systems/${name}.ts`)) as { start(options: SystemOptions): Promise<System> };
  try {
    bySystem.set(name, await rising(start, RATES, SECONDS));
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    process.stderr.write(`${name} is left out: ${error.message}\n`);
  }
}
draw("latency.svg", {
  title: "1000 readers, 100 messages a second: share of deliveries within a time",
  x: "milliseconds from when the message was due",
  y: "share of deliveries",
  isYLog: false,
  lines: [...bySystem].map(([name, runs]) => ({
    name,
    points: runs.find(({ rate }) => rate === 100)?.result.curve ?? [],
  })),
});
draw("cpu.svg", {
  title: "1000 readers: CPU of server and database, by the rate",
  x: "messages a second",
  y: "CPU seconds a million deliveries",
  isYLog: true,
  lines: [...bySystem].map(([name, runs]) => ({
    name,
    points: runs.map(({ rate, result }): [number, number] => [rate, result.cpu ?? 0]),
  })),
});
process.exit(0);

type Plot = {
  title: string;
  x: string;
  y: string;
  isYLog: boolean;
  lines: { name: string; points: [number, number][] }[];
};

/**
 * White ground, so that it is read on any page; colors by echarts, but symbols tell the lines apart
 * too.
 */
function draw(file: string, { title, x, y, isYLog, lines }: Plot): void {
  const symbols = ["circle", "rect", "triangle", "diamond", "roundRect", "arrow"];
  const chart = init(null, null, { renderer: "svg", ssr: true, width: 900, height: 520 });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: { text: title, left: "center", textStyle: { fontSize: 16 } },
    legend: { bottom: 0, data: lines.map(({ name }) => name) },
    grid: { left: 80, right: 40, top: 50, bottom: 90 },
    xAxis: { type: "log", name: x, nameLocation: "middle", nameGap: 30, min: isYLog ? 10 : 1 },
    yAxis: {
      type: isYLog ? "log" : "value",
      name: y,
      nameLocation: "middle",
      nameGap: 50,
      ...(isYLog ? { min: 1 } : { max: 1 }),
    },
    series: lines.map(({ name, points }, n) => ({
      name,
      type: "line",
      symbol: symbols[n % symbols.length],
      symbolSize: 7,
      showSymbol: isYLog,
      lineStyle: { width: name === "chattera" ? 4 : 2 },
      data: points,
    })),
  });
  const svg = chart.renderToSVGString().replace(/(<svg [^>]*>)/, `$1<title>${title}</title>`);
  writeFileSync(new URL(`../docs/${file}`, import.meta.url), svg);
  chart.dispose();
}
