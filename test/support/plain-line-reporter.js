/** Prints the result as one plain last line for whoever reads only that: "12 passed, 0 failed, 1 skipped". */
class PlainLineReporter {
  onRunComplete(_contexts, results) {
    // a file that does not even load has no tests to fail
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    const line = `${results.numPassedTests} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}\n`;
    process.once("exit", () => process.stdout.write(line)); // after Jest's own summary
  }
}

// biome-ignore lint/style/noDefaultExport: Jest takes a reporter from the default export
export default PlainLineReporter;
