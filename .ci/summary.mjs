// Prints what the tests came to: `node .ci/summary.mjs <status> <command that failed>…`
import * as Fs from "node:fs"

/** The report that a command writes. */
const reports = {
  "test": ".generated/tests/test.json",
  "test:full": ".generated/tests/full.json"
}

const [status, ...commands] = process.argv.slice(2)
let [passed, failed, skipped] = [0, 0, 0]

/** The names of the tests that failed, each with the first line of its error. */
const failures = []

/** Counts the tests of a report, and says how many failed. */
const count = (file) => {
  if (!Fs.existsSync(file)) return 0
  const { numFailedTests, numPassedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
    Fs.readFileSync(file, "utf8")
  )
  const broken = testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0)
  for (const { assertionResults, message, name } of testResults) {
    const path = name.replace(`${process.cwd()}/`, "")
    for (const { failureMessages, fullName, status } of assertionResults) {
      if (status === "failed") failures.push(`${path}: ${fullName}: ${failureMessages[0]?.split("\n")[0]}`)
    }
    if (message !== "" && assertionResults.length === 0) failures.push(`${path}: ${message.split("\n")[0]}`)
  }
  passed += numPassedTests
  skipped += numPendingTests + numTodoTests
  failed += numFailedTests + broken.length
  return numFailedTests + broken.length
}

const found = Object.fromEntries(
  Object.entries(reports).map(([command, file]) => [command, count(file)])
)
const others = commands.filter((command) => !(found[command] > 0))
failed += others.length
// Such as a package of the system that could not be installed.
if (status !== "0" && failed === 0) failed = 1

for (const failure of failures) console.log(failure)
if (commands.length > 0) console.log(`failed: ${commands.join(", ")}`)
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
