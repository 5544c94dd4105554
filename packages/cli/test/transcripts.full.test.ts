// What the guides show of the command line is what it prints: each block is run against a mock, and compared line by line.
import { Webhook } from "@effect-spotnana/core"
import { WebhookSender } from "@effect-spotnana/testing"
import { Effect, Redacted } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { endWithTest, inGroup, runToEnd } from "../../../scripts/processes.ts"
import { executable as main } from "./support/bundle.ts"
import { ofTests } from "./support/process.ts"

const secrets = Redacted.make("whsec_c2VjcmV0IG9mIHRoZSB0ZXN0")

interface Step {
  readonly command: string
  /** None for a command whose output the guide leaves out. */
  readonly printed: ReadonlyArray<string>
}

const stepsOf = (block: string): ReadonlyArray<Step> =>
  block.split(/^\$ /m).slice(1).map((step) => {
    const [command = "", ...printed] = step.trimEnd().split("\n")
    return { command, printed }
  })

/** Not run: commands that go on until they are ended, and a rotation that was interrupted before. */
const isLeftOut = (steps: ReadonlyArray<Step>) =>
  steps.some(({ command }) => /spotnana-auth (watch|proxy|mock|help)|--resume/.test(command))

const thumbprint = /(?<![\w-])[\w-]{43}(?![\w-])/g

/** What differs from run to run: times, durations, random digits, thumbprints, addresses and places. */
const masked = (line: string): string =>
  line
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z|\b\d\d:\d\d:\d\d\b/g, "<time>")
    .replaceAll(/\b\d+ ms\b/g, "<duration>")
    .replaceAll(/"expires_in":\d+/g, `"expires_in":<number>`)
    .replaceAll(/\bmock-(client|token|refresh|debug)(-[\da-f]+)*/g, "mock-$1")
    .replaceAll(/\bmsg_[\da-f]{24}\b/g, "msg_<id>")
    .replaceAll(thumbprint, "<thumbprint>")
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:<port>")
    .replaceAll(/\/\S*?(?=\/(\w+\.(token|pem|env|jwk)|\.local)\b)/g, "<directory>")

/** An endpoint of a user that verifies the webhooks it gets, on any free port. */
const webhookEndpoint = async (): Promise<string> => {
  const server = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const delivery = { headers: request.headers as Record<string, string>, body: Buffer.concat(chunks) }
      void Effect.runPromiseExit(Webhook.verify(delivery, { secrets })).then(({ _tag }) => {
        response.writeHead(_tag === "Success" ? 204 : 401).end()
      })
    })
  }).listen(0, "127.0.0.1")
  onTestFinished(() => void server.close())
  await once(server, "listening")
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A directory with the files that the guides name, and a mock that `mock.env` and `app.env` lead to. */
const prepare = async () => {
  const home = Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "spotnana-auth-")))
  onTestFinished(() => Fs.rmSync(home, { recursive: true, force: true }))
  const write = (file: string, content: string | Uint8Array, mode = 0o600) =>
    Fs.writeFileSync(Path.join(home, file), content, { mode })
  const delivery = await Effect.runPromise(WebhookSender.sign({ secrets, body: { type: "trip.booked" }, id: "msg_1" }))
  write("spotnana-auth", `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, 0o700)
  write("ada.token", "ada@acme.example\n")
  write("bob.token", "bob@acme.example\n")
  write("body.json", `${Buffer.from(delivery.body).toString()}\n`)
  write("headers.txt", Object.entries(delivery.headers).map(([name, value]) => `${name}: ${value}\n`).join(""))
  const env = {
    ...ofTests,
    HOME: home,
    PATH: `${home}:${process.env["PATH"] ?? ""}`,
    SPOTNANA_WEBHOOK_SECRETS: Redacted.value(secrets)
  }
  const args = ["mock", "--port", "0", "--user", "ada@acme.example", "--write-credentials", "mock.env"]
  const mock = endWithTest(
    spawn(process.execPath, [main, ...args], { ...inGroup, cwd: home, env, stdio: ["ignore", "ignore", "pipe"] })
  )
  await once(mock.stderr, "data")
  Fs.copyFileSync(Path.join(home, "mock.env"), Path.join(home, "app.env"))
  const endpoint = await webhookEndpoint()
  /** In a shell whose variables are those of `app.env`, stdout and stderr in one. A rotation does not wait for an hour. */
  return async (command: string) => {
    const shown = command.replace("http://127.0.0.1:3000", endpoint).replace("users rotate", "users rotate --drain 1s")
    const script = `set -a; . ./app.env; set +a; { ${shown}\n} 2>&1`
    return await runToEnd("bash", ["-c", script], { cwd: home, env })
  }
}

const pages = [
  "docs/acting-for-a-user.md",
  "docs/rotating-credentials.md",
  "docs/signing-subject-tokens.md",
  "docs/webhooks.md",
  "packages/cli/README.md"
]

describe.each(pages)("%s", (page) => {
  const blocks = [...Fs.readFileSync(page, "utf8").matchAll(/^```console\n([^]*?)^```$/gm)]
    .map(([, block = ""]) => stepsOf(block))
    .filter((steps) => !isLeftOut(steps))
    .map((steps) => ({ first: steps[0]!.command, steps }))

  it("has a block to compare", () => expect(blocks).not.toEqual([]))

  it.each(blocks)("from $first on, prints what the page shows", async ({ steps }) => {
    const run = await prepare()
    let last: number | null = 0
    let kid = ""
    for (const { command, printed } of steps) {
      const { status, stdout }: { status: number | null; stdout: string } = command === "echo $?"
        ? { status: 0, stdout: String(last) }
        : await run(command.replace(thumbprint, kid))
      kid = /^kid (\S+),/m.exec(stdout)?.[1] ?? kid
      last = status
      if (printed.length === 0) continue
      expect({ command, printed: stdout.trimEnd().split("\n").map(masked) })
        .toEqual({ command, printed: printed.map(masked) })
    }
  })
})
