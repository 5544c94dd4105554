// Prints what the library adds to an application, and what each module has of it. Fails above the budget.
import { budget, goal, sizes } from "./size/measure.ts"

const rows = await sizes()
console.log("| bytes, without effect | minified | gzip -9 | brotli |\n| --- | --- | --- | --- |")
for (const [what, { brotli, gzip, minified }] of rows) console.log(`| ${what} | ${minified} | ${gzip} | ${brotli} |`)
const [, first] = rows[0]!
console.log("\n| module in the first program | bytes before they are minified |\n| --- | --- |")
for (const [module, bytes] of first.modules) console.log(`| ${module} | ${bytes} |`)

console.log(
  `\nThe first program is ${first.gzip} bytes minified and compressed, of ${budget} that it may be; the goal is ${goal}`
)
if (first.gzip > budget) process.exitCode = 1
