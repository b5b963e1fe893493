/** A folder, or files side by side, whose imports follow one rule. */
export type Area = {
  /** The folder, or the files that share a rule of their own. */
  readonly name: string;
  /** The pattern of the paths of its files; left out, all files below the folder. */
  readonly files?: string;
  /** The names of the areas that it may import. Its own files are always allowed. */
  readonly imports: readonly string[];
  /** The pattern of packages and Node's modules that it must not import. */
  readonly without?: string;
  /** The thought that the rule keeps. */
  readonly because: string;
};

const HTTP = "^(koa|@koa/.+|better-sse)$";
const NODE = "^(node:.+|koa|@koa/.+|better-sse|knex|pg)$";

/**
 * The rules of who may import whom. `npm run lint` checks them, and docs/architecture.md prints
 * them.
 */
export const AREAS: readonly Area[] = [
  {
    name: "protocol",
    imports: [],
    without: ".",
    because: "Both sides import it, so it runs everywhere.",
  },
  { name: "db/migrations", imports: [], without: HTTP, because: "Never edited, so it needs nothing that changes." },
  {
    name: "db/pool",
    imports: ["db/*.ts"],
    without: HTTP,
    because: "Connections and prepared statements, whatever they ask.",
  },
  {
    name: "db/log",
    imports: ["db/*.ts", "db/pool", "protocol"],
    without: HTTP,
    because: "The only folder with SQL about rooms, members and messages.",
  },
  { name: "db/embedded", imports: ["db/*.ts"], without: HTTP, because: "Starts PostgreSQL, and knows no table." },
  {
    name: "db/*.ts",
    files: "^db/[^/]+[.]ts$",
    imports: ["db/migrations", "db/pool", "db/embedded"],
    without: HTTP,
    because: "Brings the schema up to date, and reports errors at the start.",
  },
  {
    name: "db/transfer",
    imports: ["db/*.ts", "db/log", "db/pool"],
    without: HTTP,
    because: "Whole databases as files.",
  },
  {
    name: "server/*.ts",
    files: "^server/(?!(app|index|site|testing)[.]ts$)[^/]+[.]ts$",
    imports: ["protocol", "db/*.ts", "server/guard"],
    without: HTTP,
    because: "Settings, log, metrics, refusals and tokens. The files below have rules of their own.",
  },
  {
    name: "server/rooms",
    imports: ["protocol", "db/log", "server/*.ts"],
    without: HTTP,
    because: "The rules of rooms: no HTTP, no sockets, no delivery.",
  },
  {
    name: "server/bus",
    imports: ["protocol", "db/*.ts", "db/log", "db/pool", "server/*.ts"],
    without: HTTP,
    because: "Notifies nodes of new messages.",
  },
  {
    name: "server/delivery",
    imports: ["protocol", "db/log", "server/*.ts"],
    without: HTTP,
    because: "Everything after the commit. It meets rooms in the tables only.",
  },
  {
    name: "server/presence",
    imports: ["protocol", "db/log", "server/*.ts", "server/delivery"],
    without: HTTP,
    because: "The members that are here. It meets rooms in the tables only.",
  },
  {
    name: "server/upkeep",
    imports: ["db/log", "db/pool", "server/*.ts"],
    without: HTTP,
    because: "Deletes old rows in the background.",
  },
  {
    name: "server/hooks",
    imports: ["protocol", "db/*.ts", "db/log", "server/*.ts", "server/delivery"],
    without: HTTP,
    because: "Sends the events of the log to receivers elsewhere.",
  },
  {
    name: "server/identity",
    imports: ["protocol", "db/*.ts", "server/*.ts", "server/rooms", "server/hooks"],
    without: HTTP,
    because: "Finds out from the host who somebody is, and what they may do.",
  },
  { name: "server/streams", imports: ["protocol", "server/delivery"], because: "Turns a request into a reader." },
  {
    name: "server/polls",
    imports: ["protocol", "server/delivery", "server/streams"],
    because: "Turns a request, or many on one connection, into a reader.",
  },
  {
    name: "server/pages",
    imports: ["protocol", "server/*.ts", "server/doctor"],
    without: HTTP,
    because: "Data in, HTML out.",
  },
  {
    name: "server/doctor",
    imports: ["protocol", "client/doctor", "server/pages"],
    without: HTTP,
    because: "Tests a site from outside.",
  },
  { name: "server/guard", imports: ["protocol", "server/*.ts"], because: "One concern per file." },
  {
    name: "server/http",
    imports: [
      "protocol",
      "db/log",
      "db/pool",
      "server/*.ts",
      "server/site.ts",
      "server/rooms",
      "server/delivery",
      "server/polls",
      "server/pages",
      "server/guard",
      "server/identity",
    ],
    because: "The parts that routes share: input, answers, refusals.",
  },
  {
    name: "server/routes",
    imports: [
      "protocol",
      "db/log",
      "db/pool",
      "server/*.ts",
      "server/site.ts",
      "server/rooms",
      "server/delivery",
      "server/streams",
      "server/polls",
      "server/pages",
      "server/guard",
      "server/http",
    ],
    because: "Reads input, makes one call, answers.",
  },
  {
    name: "server/site.ts",
    files: "^server/site[.]ts$",
    imports: [
      "db/*.ts",
      "db/log",
      "db/pool",
      "server/*.ts",
      "server/rooms",
      "server/bus",
      "server/delivery",
      "server/presence",
      "server/upkeep",
      "server/guard",
      "server/hooks",
      "server/http",
    ],
    without: HTTP,
    because: "Puts one node together.",
  },
  {
    name: "server/host",
    imports: [
      "protocol",
      "db/*.ts",
      "db/embedded",
      "db/log",
      "db/pool",
      "server/*.ts",
      "server/site.ts",
      "server/delivery",
      "server/hooks",
      "server/http",
      "server/rooms",
    ],
    because: "The host's side: its database, its context, its calls.",
  },
  {
    name: "server/app.ts",
    files: "^server/(app|index)[.]ts$",
    imports: [
      "protocol",
      "server/*.ts",
      "server/site.ts",
      "server/guard",
      "server/host",
      "server/http",
      "server/routes",
    ],
    because: "The Koa app, and the package's entry.",
  },
  {
    name: "server/testing.ts",
    files: "^server/testing[.]ts$",
    imports: ["protocol"],
    because: "For the tests of other projects. It imports no server.",
  },
  {
    name: "server/transfer",
    imports: ["protocol", "db/*.ts", "db/log", "db/transfer", "server/rooms", "server/pages"],
    without: HTTP,
    because: "Rooms as files.",
  },
  {
    name: "server/process",
    imports: [
      "protocol",
      "db/*.ts",
      "db/embedded",
      "db/log",
      "db/pool",
      "db/transfer",
      "server/*.ts",
      "server/app.ts",
      "server/bus",
      "server/doctor",
      "server/guard",
      "server/http",
      "server/pages",
      "server/rooms",
      "server/streams",
      "server/transfer",
      "server/upkeep",
      "client/index.ts",
    ],
    because: "The command line and the life of the processes.",
  },
  {
    name: "client/core",
    imports: ["protocol"],
    without: ".",
    because: "Runs everywhere: no DOM, no transports, ES3.",
  },
  {
    name: "client/*.ts",
    files:
      "^client/(arrivals|become|environment|face|gaps|hidden|ignored|lobby|mention|message-link|page|silent-moves|whispers|words)[.]ts$",
    imports: ["protocol", "client/core", "client/*.ts"],
    without: ".",
    because: "The parts that both faces share, in ES3: clock and timers, the page's data, the type of a face.",
  },
  {
    name: "client/transports",
    imports: ["protocol", "client/core", "client/*.ts"],
    without: NODE,
    because: "One way to receive events per file.",
  },
  { name: "client/tabs", imports: ["protocol", "client/core"], without: ".", because: "One connection for all tabs." },
  {
    name: "client/ui",
    imports: ["protocol", "client/core", "client/transports", "client/tabs", "client/*.ts"],
    without: NODE,
    because: "The page of a room.",
  },
  {
    name: "client/legacy",
    imports: ["protocol", "client/core", "client/transports", "client/*.ts"],
    without: ".",
    because: "The page of a room in ES3.",
  },
  {
    name: "client/doctor",
    imports: ["protocol", "client/core", "client/*.ts"],
    without: ".",
    because: "Runs in a page and in a terminal, so it needs no DOM.",
  },
  {
    name: "client/node",
    imports: ["client/transports"],
    without: "^(koa|@koa/.+|better-sse|knex|pg)$",
    because: "The package's connections in Node, whose modules it loads only there.",
  },
  {
    name: "client/index.ts",
    files: "^client/(browser|connect|enter-room|handle|handle-state|index|iterate)[.]ts$",
    imports: ["protocol", "client/core", "client/transports", "client/node", "client/*.ts"],
    without: NODE,
    because: "The package's client, without DOM.",
  },
  {
    name: "client/embed.ts",
    files: "^client/embed[.]ts$",
    imports: [],
    without: ".",
    because: "Runs in pages of other sites, so it brings nothing along.",
  },
  {
    name: "client/build.ts",
    files: "^client/(build|short-names)[.]ts$",
    imports: [],
    because: "Makes the browser's files.",
  },
];
