import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { parser } from "@prometheus-io/lezer-promql";
import type { Metric } from "prom-client";
import { parse } from "yaml";
import { createMetrics } from "../../server/metrics.ts";
import { createDatabase } from "../support/database.ts";
import { endSites, type SiteProcess, startSite } from "../support/site-process.ts";

type Rule = { alert: string; expr: string; annotations: { summary: string; description: string } };
type Panel = { id: number; title: string; type: string; targets?: { expr: string; legendFormat: string }[] };
type Dashboard = { panels: Panel[]; templating: { list: { name: string }[] } };

const { groups } = parse(readFileSync("deploy/prometheus-rules.yaml", "utf8")) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(readFileSync("deploy/grafana-dashboard.json", "utf8")) as Dashboard;
const targets = dashboard.panels.flatMap(({ targets = [] }) => targets);
const expressions = [...rules, ...targets].map(({ expr }) => expr);

/** The labels that Prometheus itself adds. */
const OF_PROMETHEUS = ["job", "instance"];

let database: Awaited<ReturnType<typeof createDatabase>>;
let site: SiteProcess;
/** The labels of each metric of a running node. */
let metrics: Map<string, Set<string>>;

beforeAll(async () => {
  database = await createDatabase();
  site = await startSite(database.url);
  // A refusal, so that its counter has a code.
  await fetch(`${site.url}/api/rooms/nowhere/history`);
  metrics = metricsIn(await (await fetch(`${site.url}/metrics`)).text());
}, 60_000);
afterAll(async () => {
  await endSites();
  await database.drop();
});

test("every expression is valid PromQL", () => {
  expect(expressions.length).toBeGreaterThan(30);
  for (const expr of expressions) expect([expr, errorsIn(expr)]).toEqual([expr, []]);
  // The parser finds errors at all.
  expect(errorsIn("sum(rate(a[5m])")).not.toEqual([]);
});

test("every metric that they name exists, with the labels that they use", () => {
  const missing = expressions.flatMap((expr) =>
    selectorsIn(expr).flatMap(({ metric, labels }) => {
      if (metric === "up") return [];
      const known = metrics.get(metric);
      if (known === undefined) return [metric];
      return labels
        .filter((label) => !known.has(label) && !OF_PROMETHEUS.includes(label))
        .map((label) => `${metric}: ${label}`);
    }),
  );
  expect(missing).toEqual([]);
});

test("every metric of chattera is on the dashboard", () => {
  const shown = targets.flatMap(({ expr }) => selectorsIn(expr).map(({ metric }) => metric.replace(/_bucket$/, "")));
  const own = [...metrics.keys()]
    .map((name) => name.replace(/_(bucket|sum|count)$/, ""))
    .filter((name) => /^chattera/.test(name));
  expect([...new Set(own)].filter((name) => !shown.includes(name))).toEqual([]);
});

test("rules and panels have names of their own, and say what to do", () => {
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  for (const { annotations } of rules)
    expect(annotations).toEqual({ summary: expect.any(String), description: expect.any(String) });
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  const variables = dashboard.templating.list.map(({ name }) => `$${name}`);
  const used = targets.flatMap(({ expr }) => expr.match(/\$\w+/g) ?? []);
  expect([...new Set(used)].filter((name) => !variables.includes(name))).toEqual([]);
});

function errorsIn(expr: string): string[] {
  const errors: string[] = [];
  parser.parse(expr).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) errors.push(`${from}-${to}`);
    },
  });
  return errors;
}

/**
 * Returns the metrics of an expression, each with its labels and those of the grouping around it.
 */
function selectorsIn(expr: string): { metric: string; labels: string[] }[] {
  const found: { metric: string; labels: string[] }[] = [];
  const grouping: string[] = [];
  parser.parse(expr).iterate({
    enter: ({ name, from, to }) => {
      const text = expr.slice(from, to);
      if (name === "VectorSelector") found.push({ metric: /^\w+/.exec(text)?.[0] ?? "", labels: labelsOf(text) });
      if (name === "GroupingLabels") grouping.push(...(text.match(/\w+/g) ?? []));
    },
  });
  return found.map(({ metric, labels }) => ({ metric, labels: [...labels, ...grouping] }));
}

function labelsOf(selector: string): string[] {
  return [...selector.replace(/"(?:[^"\\]|\\.)*"/g, '""').matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(
    ([, name]) => name as string,
  );
}

function metricsIn(text: string): Map<string, Set<string>> {
  const known = new Map<string, Set<string>>();
  const declared = createMetrics().registry;
  // A counter without a value yet has its type only.
  for (const [, name = ""] of text.matchAll(/^# TYPE (\w+)/gm))
    known.set(name, new Set(labelNamesOf(declared.getSingleMetric(name))));
  for (const [, name = "", labels = ""] of text.matchAll(/^(\w+)(?:\{(.*)\})? /gm)) {
    const all = known.get(name) ?? new Set();
    for (const [, label = ""] of labels.matchAll(/(\w+)="/g)) all.add(label);
    known.set(name, all);
  }
  return known;
}

function labelNamesOf(metric: Metric | undefined): string[] {
  return (metric as { labelNames?: string[] } | undefined)?.labelNames ?? [];
}
