import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import * as Path from "node:path"
import { makeUser } from "./support/cli.ts"

/** Whether the machine has a shell. */
const has = (shell: string) => spawnSync(shell, ["--version"]).status === 0

describe.each<readonly [string, string, (file: string) => ReadonlyArray<string>]>([
  ["bash", "bash", (file) => ["-n", file]],
  ["zsh", "zsh", (file) => ["-n", file]],
  ["fish", "fish", (file) => ["--no-execute", file]],
  ["powershell", "pwsh", (file) => [
    "-NoProfile",
    "-Command",
    `$e = $null; $null = [Management.Automation.Language.Parser]::ParseFile('${file}', [ref]$null, [ref]$e); exit $e.Count`
  ]]
])("completions for %s", (shell, binary, parse) => {
  it.live("name every command, and every flag", () =>
    Effect.gen(function*() {
      const { run } = yield* makeUser()
      const { code, stderr, stdout } = yield* run(["--completions", shell])
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      for (
        const word of [
          "token",
          "request",
          "doctor",
          "min-lifetime",
          "allow-host",
          "credentials-file",
          "GET",
          "api-users",
          "revoke",
          "switch-command",
          "generate",
          "subject-token-file",
          "webhook",
          "duplicates"
        ]
      ) {
        expect(stdout).toContain(word)
      }
    }))

  it.live.skipIf(!has(binary))("are a script that the shell can parse", () =>
    Effect.gen(function*() {
      const { cwd, exec, run, write } = yield* makeUser()
      const { stdout } = yield* run(["--completions", shell])
      write("script", stdout)
      expect(yield* exec(binary, parse(Path.join(cwd, "script")))).toMatchObject({ code: 0, stderr: "" })
      write("broken", `${stdout}\nif (`)
      expect(yield* exec(binary, parse(Path.join(cwd, "broken")))).not.toMatchObject({ code: 0 })
    }))
})

describe.skipIf(!has("bash"))("completions in bash", () => {
  it.live("complete a command and a flag", () =>
    Effect.gen(function*() {
      const { exec, run } = yield* makeUser()
      const { stdout } = yield* run(["--completions", "bash"])
      const complete = (...words: ReadonlyArray<string>) =>
        exec("bash", [
          "-c",
          `eval "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=\${#COMP_LINE}
          $(complete -p spotnana-auth | sed -E 's/.*-F ([^ ]+).*/\\1/') "$1" "\${@: -1}" "\${@: -2:1}" 2>&1; printf '%s\n' "\${COMPREPLY[@]}"`,
          "bash",
          stdout,
          ...words
        ])
      expect((yield* complete("spotnana-auth", "to")).stdout.trim()).toBe("token")
      expect((yield* complete("spotnana-auth", "token", "--min")).stdout.trim()).toBe("--min-lifetime")
      expect((yield* complete("spotnana-auth", "api-users", "ro")).stdout.trim()).toBe("rotate")
      expect((yield* complete("spotnana-auth", "keys", "gen")).stdout.trim()).toBe("generate")
      const choices = (...words: ReadonlyArray<string>) =>
        Effect.map(complete("spotnana-auth", ...words), ({ stdout }) => stdout.trim().split("\n"))
      expect(yield* choices("mock", "--refusal", "401")).toEqual(["401-oauth2", "401-spotnana"])
      expect(yield* choices("token", "--log-level", "de")).toEqual(["debug"])
      expect(yield* choices("--completions", "z")).toEqual(["zsh"])
      expect(yield* choices("request", "P")).toEqual(["POST", "PUT", "PATCH"])
      expect(yield* choices("help", "req")).toEqual(["request"])
    }))
})
