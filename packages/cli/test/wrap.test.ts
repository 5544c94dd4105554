import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { CliOutput } from "effect/cli"
import { wrap, wrapHelp } from "../src/wrap.ts"
import { makeUser } from "./support/cli.ts"
import { commandLine, hasTerminal } from "./support/process.ts"

describe("text for a terminal", () => {
  it("breaks at spaces, and each line that goes on is indented", () => {
    expect(wrap("one two three four", 9, 2)).toEqual(["one two", "  three", "  four"])
    expect(wrap("  incomprehensibilities b\n\nc", 5)).toEqual(["  incomprehensibilities", "b", "", "c"])
  })

  it("of help goes on below where it began, in colours too, and leaves commands whole", () => {
    const help = [
      "FLAGS",
      "  \u001b[32m--flag\u001b[0m \u001b[2mtext\u001b[0m  What it is for, in words that do not fit",
      "EXAMPLES",
      "  # What it does, in words that do not fit either",
      "  command --with 'a very long argument that does not fit'"
    ].join("\n")
    expect(wrapHelp(help, 36).replaceAll(/\u001b\[\d+m/g, "").split("\n")).toEqual([
      "FLAGS",
      "  --flag text  What it is for, in",
      "               words that do not fit",
      "EXAMPLES",
      "  # What it does, in words that do",
      "  not fit either",
      "  command --with 'a very long argument that does not fit'"
    ])
  })

  describe.skipIf(!hasTerminal)("on a terminal", () => {
    it.live.each(["--help", "proxy --help", "doctor"])("of %s fits into 80 columns", (args) =>
      Effect.gen(function*() {
        const { exec } = yield* makeUser({ SPOTNANA_BASE_URL: `http://${"x".repeat(100)}`, TERM: "xterm" })
        const command = `stty cols 80; ${commandLine(args.split(" "))}`
        const { stdout } = yield* exec("script", ["-qec", command, "/dev/null"])
        const [text = ""] = stdout.replaceAll("\r", "").split("EXAMPLES")
        expect(text).toMatch(/\n {2,}\S/)
        expect(text.split("\n").filter((line) => CliOutput.displayWidth(line) > 80)).toEqual([])
      }))
  })
})
