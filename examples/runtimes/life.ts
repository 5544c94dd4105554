/** The life of a token as a server sees it, and what came of it in a process or in a page. */
import { Clock, Deferred, Effect } from "effect"
import type { Scope } from "effect"
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { start } from "../support/process.ts"
import { seen, serve } from "../support/serve.ts"
import type { Mock } from "../support/serve.ts"
import { bundle } from "./bundle.ts"
import type { Row } from "./matrix.ts"
import type { Runtime } from "./runtimes.ts"

/** What is looked at. */
export interface Outcome {
  /** What the program printed, but for its log. */
  readonly lines: ReadonlyArray<string>
  /** What Spotnana saw. */
  readonly seen: ReadonlyArray<string>
  /** How it ended; `undefined` if it is nothing that ends. */
  readonly end: { readonly exitCode: number | null; readonly stderr: string } | undefined
}

/**
 * How long the second token and the third one live. The program has to wait for that, in real time: a machine that is
 * slow for seconds must not be late for the renewal.
 */
export const lifetime = 10_000

/** Revokes the first token after the first call. `onRenewed` comes before the answer to the first call with the third. */
export const scenario = (onRenewed: Effect.Effect<unknown> = Effect.void) => (mock: Mock): Mock["httpEffect"] => {
  let revoked = false
  let renewed = false
  return Effect.gen(function*() {
    const issued = yield* mock.tokenRequests
    yield* mock.configure({ tokenLifetime: issued === 1 || issued === 2 ? lifetime : "1 hour" })
    const response = yield* mock.httpEffect
    const last = (yield* seen(mock)).at(-1)
    if (last === "api 1" && !revoked) {
      revoked = true
      yield* mock.revokeTokens
    }
    if (last === "api 3" && !renewed) {
      renewed = true
      yield* onRenewed
    }
    return response
  })
}

const isOfTheProgram = (line: string) => /^\w+: \d+$/.test(line)

const mainFor = ({ client, runtime: { name, runsTypeScript, version } }: Row): Effect.Effect<string> =>
  Effect.promise(async () => {
    const main = client === "effect3" ? "packages/effect3/test/support/runtimes.ts" : "examples/runtimes/main.ts"
    if (runsTypeScript) return main
    const { code } = await bundle(main, "node")
    const file = `.generated/main-${name}-${version}-${client}.mjs`
    Fs.mkdirSync(".generated", { recursive: true })
    Fs.writeFileSync(file, code)
    return file
  })

/** Lives it in a process, which is frozen once it has renewed its token, until that is dead. */
export const live = (row: Row): Effect.Effect<Outcome, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const { client, runtime } = row
    const renewed = yield* Deferred.make<void>()
    const frozen = yield* Deferred.make<void>()
    const { mock, variables } = yield* serve(
      scenario(Effect.andThen(Deferred.succeed(renewed, undefined), Deferred.await(frozen)))
    )
    const host = new URL(variables.SPOTNANA_BASE_URL).host
    const main = yield* mainFor(row)
    const process = yield* start(runtime.command, [...runtime.args({ host }), main, client], variables)
    yield* Effect.gen(function*() {
      yield* Deferred.await(renewed)
      yield* process.freeze
      yield* Deferred.succeed(frozen, undefined)
      const third = (yield* mock.ledger).findLast(({ endpoint }) => endpoint === "token")!
      yield* Effect.sleep(third.at + lifetime - (yield* Clock.currentTimeMillis))
      yield* process.thaw
      yield* process.say("")
    }).pipe(Effect.forkScoped)

    const lines: Array<string> = []
    // Until it ends, which it has to do by itself.
    yield* Effect.exit(Effect.forever(Effect.map(process.hear, (line) => isOfTheProgram(line) && lines.push(line))))
    return { lines, seen: yield* seen(mock), end: yield* process.end }
  })

/** What processes on several runtimes, one after another, make of a directory that they share. */
export interface Round {
  /** Whose process came first; what it finds or fetches is for the others. */
  readonly first: Runtime
  readonly answers: ReadonlyArray<string>
  readonly seen: ReadonlyArray<string>
}

/** A round for each runtime. The token of the round before is revoked when a round begins. */
export const share = (runtimes: ReadonlyArray<Runtime>): Effect.Effect<ReadonlyArray<Round>, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const directory = yield* Effect.acquireRelease(
      Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "runtimes-"))),
      (directory) => Effect.sync(() => Fs.rmSync(directory, { recursive: true }))
    )
    const { mock, variables } = yield* serve()
    const host = new URL(variables.SPOTNANA_BASE_URL).host
    const env = { ...variables, SPOTNANA_TOKEN_STORE_KEYS: randomBytes(32).toString("base64") }
    const call = (runtime: Runtime) =>
      Effect.gen(function*() {
        const args = [...runtime.args({ host, directory }), "examples/runtimes/main.ts", "fetch", directory]
        const process = yield* start(runtime.command, args, env)
        return yield* Effect.repeat(process.hear, { until: isOfTheProgram })
      })
    return yield* Effect.forEach(runtimes, (first) =>
      Effect.gen(function*() {
        yield* mock.clearLedger
        const answers = [yield* call(first)]
        answers.push(...yield* Effect.forEach(runtimes.filter((other) => other !== first), call, { concurrency: 2 }))
        yield* mock.revokeTokens
        return { first, answers, seen: yield* seen(mock) }
      }))
  })
