import { appendFileSync } from "node:fs";

/**
 * Prints the result as one plain last line: "12 passed, 0 failed, 1 skipped". If TEST_FAILURES
 * names a file, each failed test is added to it as one line: engine, file, name and error,
 * separated by tabs.
 */
class PlainLineReporter {
  onRunComplete(_contexts, results) {
    // A file that does not load has no tests that could fail.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    // A journey that one engine cannot run is not skipped: it runs in the others, see engines.ts.
    const elsewhere = results.testResults
      .flatMap((file) => file.testResults)
      .filter(({ status, title }) => status === "pending" && /\(not in \w+: /.test(title)).length;
    const skipped = results.numPendingTests + results.numTodoTests - elsewhere;
    const line = `${results.numPassedTests} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}\n`;
    if (process.env.TEST_FAILURES) appendFileSync(process.env.TEST_FAILURES, failuresOf(results));
    // Written after Jest's own summary.
    process.once("exit", () => process.stdout.write(line));
  }
}

function failuresOf({ testResults }) {
  return testResults
    .flatMap(({ testFilePath, displayName, testExecError, testResults: tests }) => {
      const place = [displayName?.name ?? "Chromium", testFilePath.slice(testFilePath.lastIndexOf("/test/") + 1)];
      const failed = tests.filter(({ status }) => status === "failed");
      const failures = failed.map(({ fullName, failureMessages }) => [fullName, failureMessages.join(" ")]);
      if (testExecError) failures.push(["(does not run)", testExecError.message ?? String(testExecError)]);
      return failures.map((failure) => `${[...place, ...failure].map(onOneLine).join("\t")}\n`);
    })
    .join("");
}

const MOST_LETTERS = 600;

/** Shortens an error to its first letters, without colors and the lines of its stack. */
function onOneLine(text) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Jest colors what it compares
  const plain = text.replace(/\u001b\[\d+m/g, "").replace(/\n\s+at .*/g, "");
  return plain.replace(/\s+/g, " ").trim().slice(0, MOST_LETTERS);
}

// biome-ignore lint/style/noDefaultExport: Jest takes a reporter from the default export
export default PlainLineReporter;
