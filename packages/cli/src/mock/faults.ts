import { Fault } from "@effect-spotnana/testing"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"

/** A fault as on the command line: `token:503,times=3,retry-after=30`. */
export interface Order {
  readonly endpoint: "token" | "api"
  readonly fault: Fault.Fault
  /** `Infinity` is always. */
  readonly times: number
}

const page = "<!doctype html><title>Sign in</title><h1>Sign in to this network</h1>\n"

// After a moment, so that the data before it has arrived.
const cut = Stream.concat(
  Stream.succeed(new TextEncoder().encode("{\"")),
  Stream.fromEffect(Effect.andThen(Effect.sleep("50 millis"), Effect.fail("The connection is cut")))
)

/** The faults other than a status. */
const faults: Readonly<Record<string, Fault.Fault>> = {
  hang: Fault.hang,
  drop: Fault.drop,
  cut: Fault.status(200, { body: cut }),
  garbage: Fault.garbage,
  empty: Fault.status(200, { body: "" }),
  html: Fault.status(200, { body: page, headers: { "content-type": "text/html" } })
}

/** The grammar, for help and for errors. */
export const grammar =
  "token|api : 200-599|hang|drop|cut|garbage|empty|html [,times=<n>|always] [,retry-after=<seconds>]"

const faultOf = (what: string, retryAfter: string | undefined): Result.Result<Fault.Fault, string> => {
  if (/^[2-5]\d\d$/.test(what)) {
    const status = Number(what)
    return Result.succeed(
      status === 429
        ? Fault.rateLimited({ retryAfter })
        : Fault.status(status, { headers: { "retry-after": retryAfter } })
    )
  }
  const fault = Object.hasOwn(faults, what) ? faults[what] : undefined
  if (fault === undefined) {
    return Result.fail(`"${what}" is neither a status from 200 to 599 nor one of ${Object.keys(faults).join(", ")}`)
  }
  return retryAfter === undefined
    ? Result.succeed(fault)
    : Result.fail(`retry-after goes with a status, as in 503,retry-after=${retryAfter}; ${what} has none`)
}

const timesOf = (times: string): Result.Result<number, string> =>
  times === "always"
    ? Result.succeed(Infinity)
    : /^[1-9]\d{0,8}$/.test(times)
    ? Result.succeed(Number(times))
    : Result.fail(`times is "${times}"; expected a whole number from 1 on, or always`)

const options = ["times", "retry-after"]

const optionsOf = (parts: ReadonlyArray<string>): Result.Result<ReadonlyMap<string, string>, string> => {
  const found = new Map<string, string>()
  for (const part of parts) {
    const [name = "", ...value] = part.split("=")
    if (!options.includes(name) || value.length === 0) {
      return Result.fail(`"${part}" is none of ${options.map((name) => `${name}=…`).join(", ")}`)
    }
    if (found.has(name)) return Result.fail(`${name} is given twice`)
    found.set(name, value.join("="))
  }
  return Result.succeed(found)
}

/** Parses a fault. A failure says what is wrong with it. */
export const parse = (text: string): Result.Result<Order, string> =>
  Result.gen(function*() {
    const [, endpoint, rest = ""] = /^(token|api):(.*)$/s.exec(text) ?? []
    if (endpoint === undefined) return yield* Result.fail("it does not begin with token: or api:")
    const [what = "", ...parts] = rest.split(",")
    const found = yield* optionsOf(parts)
    return {
      endpoint: endpoint as Order["endpoint"],
      fault: yield* faultOf(what, found.get("retry-after")),
      times: yield* timesOf(found.get("times") ?? "1")
    }
  })
