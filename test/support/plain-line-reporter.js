/** Prints the result as one plain last line: "12 passed, 0 failed, 1 skipped". */
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
    // Written after Jest's own summary.
    process.once("exit", () => process.stdout.write(line));
  }
}

// biome-ignore lint/style/noDefaultExport: Jest takes a reporter from the default export
export default PlainLineReporter;
