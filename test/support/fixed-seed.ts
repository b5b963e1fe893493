import fc from "fast-check";

// A red run must be the fault of the change it tests, so every run draws the same histories.
// `NEW_SEEDS=1 npm test` draws others, to look for faults that nobody knows yet.
if (process.env.NEW_SEEDS === undefined) fc.configureGlobal({ seed: 954_261 });
