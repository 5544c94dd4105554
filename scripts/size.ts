// Prints what the library adds to an application, and what each module has of it.
import { sizes } from "./size/measure.ts"

const rows = await sizes()
console.log("| bytes, without effect | minified | gzip -9 | brotli |\n| --- | --- | --- | --- |")
for (const [what, { brotli, gzip, minified }] of rows) console.log(`| ${what} | ${minified} | ${gzip} | ${brotli} |`)
console.log("\n| module in the first program | bytes before they are minified |\n| --- | --- |")
for (const [module, bytes] of rows[0]![1].modules) console.log(`| ${module} | ${bytes} |`)
