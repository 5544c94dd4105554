// The subject's side of the protocol.
import { createInterface } from "node:readline"
import { inspect } from "node:util"
import type { Call, ClientOptions, Command, Failure, Outcome, Reply, Request } from "../Protocol.ts"

/** A client of the library, as the suite uses it. */
export interface Client {
  /** Never rejects. Ends when the signal is aborted. */
  readonly call: (call: Call, signal: AbortSignal) => Promise<Outcome>
  readonly status: () => Promise<string>
  readonly close: () => Promise<void>
}

/** Where a client reads its credentials whenever it needs them. */
export type Secret = () => string

export type Start = (options: ClientOptions, secret: Secret) => Promise<Client>

/** A call that fails, and the error as the caller got it. */
export const failed = (error: unknown, failure: Failure): Outcome => {
  // Prints the error in the ways in which errors get into logs, because the suite searches all output for secrets.
  process.stderr.write(`${inspect(error, { depth: 20 })}\n${inspect(error, { depth: 20, customInspect: false })}\n`)
  return { failure }
}

/** What the errors for all versions of Effect have in common. */
interface LibraryError {
  readonly _tag: string
  readonly message: string
  readonly reason?: string
  readonly status?: number | undefined
  readonly debugIdentifier?: string | undefined
}

/** What the suite reads of an error of the library. */
export const failureOf = (
  { _tag: tag, debugIdentifier, message, reason, status }: LibraryError,
  retryAfter: number | undefined
): Failure => ({ tag, message, reason, status, debugIdentifier, retryAfter })

/** The outcome of a call that was interrupted. */
export const interrupted: Outcome = { failure: { tag: "Interrupted", message: "The call was interrupted." } }

/** The outcome of a call whose error is not of the library's type. */
export const defect = (error: unknown): Outcome =>
  failed(error, { tag: "Defect", message: error instanceof Error ? error.message : String(error) })

/** Sets the wall clock of the process. The monotonic one, `performance.now`, stays. */
const stepClock = (by: number): void => {
  const now = Date.now
  Date.now = () => now() + by
}

interface Started {
  readonly client: Client
  readonly credentials: { secret: string }
  /** The calls that are in progress, the oldest first. */
  readonly calls: Set<AbortController>
}

/**
 * Executes the commands of the suite until stdin ends. Then the process ends: by itself if every client was closed, so
 * that open handles show, and otherwise at once.
 */
export const serve = (start: Start): void => {
  // The output of loggers must not be read as a reply.
  console.log = console.info = console.debug = console.error
  const clients = new Map<string, Started>()
  const open = new Set<string>()
  const named = (name: string) => {
    const found = clients.get(name)
    if (found === undefined) throw new Error(`No client ${name} was started.`)
    return found
  }
  const obey = async (command: Command): Promise<unknown> => {
    switch (command.type) {
      case "start": {
        open.add(command.client)
        const credentials = { secret: command.options.clientSecret }
        const client = await start(command.options, () => credentials.secret)
        clients.set(command.client, { client, credentials, calls: new Set() })
        return null
      }
      case "call": {
        const { calls, client } = named(command.client)
        return Promise.all(Array.from({ length: command.times }, async () => {
          const call = new AbortController()
          calls.add(call)
          return client.call(command.call, call.signal).finally(() => calls.delete(call))
        }))
      }
      case "interrupt": {
        const [oldest] = named(command.client).calls
        oldest?.abort()
        return null
      }
      case "status":
        return named(command.client).client.status()
      case "setSecret":
        named(command.client).credentials.secret = command.clientSecret
        return null
      case "close":
        await named(command.client).client.close()
        open.delete(command.client)
        return null
      case "stepClock":
        stepClock(command.by)
        return null
    }
  }
  const answer = async ({ command, id }: Request): Promise<void> => {
    const reply: Reply = await obey(command).then(
      (result) => ({ id, result }),
      (error: unknown) => ({ id, problem: inspect(error) })
    )
    process.stdout.write(`${JSON.stringify(reply)}\n`)
  }
  createInterface({ input: process.stdin })
    .on("line", (line) => void answer(JSON.parse(line)))
    .on("close", () => {
      if (open.size > 0) process.exit()
    })
}
