import { Cause, Effect, Exit, Layer, Logger, LogLevel, Metric } from "effect"
import { format, inspect } from "node:util"
import { recordingTracer } from "./recordingTracer.ts"

/** The ways in which a value is printed that ask it how: loggers, exporters, `console.log`. */
const printOnRequest = (value: unknown): string => {
  // Text is the same in every way but for its escapes.
  if (typeof value === "string") return value
  return [
    String(value),
    // As `console.log` has it.
    format(value),
    inspect(value, { depth: Infinity, showHidden: true }),
    JSON.stringify(value, (_, part: unknown) => typeof part === "bigint" ? String(part) : part),
    value instanceof Error ? `${value.stack}${value.message}` : "",
    Cause.isCause(value) ? `${Cause.pretty(value)}${inspect(Cause.squash(value), { depth: Infinity })}` : "",
    Exit.isExit(value) && Exit.isFailure(value) ? Cause.pretty(value.cause) : ""
  ].join("\n")
}

/** All the ways in which a value finds its way to a person or a file. */
export const print = (value: unknown): string =>
  // Field by field, as Node prints an error that nobody has caught.
  `${printOnRequest(value)}\n${inspect(value, { depth: Infinity, customInspect: false })}`

/** Field by field, those included that are hidden. Of a whole context that is megabytes. */
export const printHidden = (value: unknown): string =>
  inspect(value, { depth: Infinity, customInspect: false, showHidden: true })

/** What Base64 makes of a text inside a longer one: the part that depends on nothing else, at each of the alignments. */
const base64 = (secret: string, encoding: "base64" | "base64url"): ReadonlyArray<string> =>
  [0, 1, 2].map((offset) => {
    const encoded = Buffer.from("x".repeat(offset) + secret).toString(encoding).replace(/=+$/, "")
    return encoded.slice(Math.ceil(offset * 4 / 3), Math.floor((offset + secret.length) * 4 / 3))
  })

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "\"": "&quot;",
  "'": "&#39;"
}

/**
 * The forms in which a secret may be found: raw, escaped for JSON or HTML, encoded for a URL or a form, Base64 and its
 * URL-safe form at every alignment, and hex.
 */
export const disguises = (secret: string): ReadonlyArray<string> => {
  const hex = Buffer.from(secret).toString("hex")
  return [
    ...new Set([
      secret,
      JSON.stringify(secret).slice(1, -1),
      secret.replace(/[&<>"']/g, (character) => entities[character]!),
      encodeURIComponent(secret),
      new URLSearchParams([["", secret]]).toString().slice(1),
      ...base64(secret, "base64"),
      ...base64(secret, "base64url"),
      hex,
      hex.toUpperCase()
    ])
  ]
}

/**
 * Everything that a scenario lets out: all logs at trace, all spans, all metrics, and whatever the test adds of results,
 * errors and causes.
 */
export const makeAudit = () => {
  let text = ""
  let searches = 0
  const { spans, tracer } = recordingTracer()
  const add = (...values: ReadonlyArray<unknown>): void => {
    for (const value of values) text += `${print(value)}\n`
  }
  const logger = Logger.make((options) => {
    add(Logger.jsonLogger.log(options), Logger.logfmtLogger.log(options), options.message, options.cause)
  })

  return {
    spans,
    /** Adds values to what was let out, printed in every way. */
    add,
    /** What was let out so far, logs first. Spans and metrics join it when `run` ends. */
    text: () => text,
    /** Runs a scenario with a recording logger, tracer and metric registry, and adds what it let out. */
    run: <A, E, R>(scenario: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.gen(function*() {
        const exit = yield* Effect.exit(scenario)
        // A success is the scenario's own; what of it counts, it adds.
        if (Exit.isFailure(exit)) add(exit)
        add(yield* Metric.snapshot)
        // Those that are open yet are of a scenario that goes on beside this one.
        const all = spans.splice(0)
        spans.push(...all.filter(({ status }) => status._tag !== "Ended"))
        for (const { attributes, events, name, status } of all) {
          if (status._tag !== "Ended") continue
          add(name, [...attributes], events)
          // What a span succeeded with is exported by nobody; why it failed is, by its own words.
          if (Exit.isFailure(status.exit)) text += `${printOnRequest(status.exit)}\n`
        }
        return yield* exit
      }).pipe(
        Effect.provide(Layer.merge(
          Logger.replace(Logger.defaultLogger, logger),
          Logger.minimumLogLevel(LogLevel.All)
        )),
        Effect.withTracer(tracer)
      ),
    /**
     * Searches every form of every secret in what was let out since the last search, and forgets it. Returns where each
     * was found: without what was found, so that a failing test does not leak either.
     */
    search: (secrets: Iterable<string>): ReadonlyArray<string> => {
      const found: Array<string> = []
      for (const secret of secrets) {
        for (const disguise of disguises(secret)) {
          searches += 1
          const index = text.indexOf(disguise)
          if (index < 0) continue
          const after = index + disguise.length
          found.push(`${text.slice(Math.max(0, index - 300), index)}‹here›${text.slice(after, after + 100)}`)
        }
      }
      text = ""
      return found
    },
    /** How many searches there were: one for each form of each secret in each text. */
    searches: () => searches
  }
}

/** One audit. */
export type Audit = ReturnType<typeof makeAudit>
