import { AuthError } from "@effect-spotnana/core"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { identified } from "../exitCode.ts"
import type { Style } from "../output.ts"
import { timeOfDay } from "../requestLine.ts"
import { wrap } from "../wrap.ts"
import type { Observed } from "./observe.ts"

const millisUntil = (from: DateTime.Utc, to: DateTime.Utc): number =>
  DateTime.toEpochMillis(to) - DateTime.toEpochMillis(from)

/** The time until a moment, in whole seconds: `39m 3s`. */
const inSeconds = (millis: number): string => Duration.format(Duration.seconds(Math.max(0, Math.ceil(millis / 1000))))

/** The remaining lifetime of a token as a bar. The full part shrinks from right to left. */
export const bar = (left: number, columns: number): string => {
  const full = Math.round(Math.min(1, Math.max(0, left)) * columns)
  return "█".repeat(full) + "░".repeat(columns - full)
}

const paint = (state: Observed["status"]["state"], style: Style): (text: string) => string => {
  switch (state) {
    case "valid":
    case "renewing":
      return style.green
    case "empty":
    case "acquiring":
      return style.cyan
    case "failed":
    case "expired":
      return style.red
  }
}

const lifetime = (observed: Observed, style: Style, columns: number): string => {
  const { at, status: { expiresAt, issuedAt, state } } = observed
  if (issuedAt === undefined || expiresAt === undefined) return ""
  const left = millisUntil(at, expiresAt)
  const share = left / Math.max(1, millisUntil(issuedAt, expiresAt))
  const colour = state === "failed" || state === "expired" ? style.red : share < 0.2 ? style.yellow : style.green
  return `${colour(bar(share, Math.max(10, Math.min(40, columns - 40))))}  ${
    left > 0 ? `${inSeconds(left)} left` : "expired"
  }`
}

/** When a token is requested next, as far as it is known. */
const next = ({ at, failure, status }: Observed): { readonly name: string; readonly at: DateTime.Utc } | undefined => {
  if (status.nextRenewalAt !== undefined) return { name: "next renewal", at: status.nextRenewalAt }
  if (status.state !== "failed" || failure === undefined) return undefined
  return Option.match(AuthError.retryAfter(failure.error), {
    onNone: () => undefined,
    onSome: (wait) => ({ name: "next attempt", at: DateTime.max(at, DateTime.addDuration(failure.at, wait)) })
  })
}

/** The view of a token, as lines. */
export const frame = (
  observed: Observed,
  { columns, environment, style }: {
    readonly columns: number
    readonly environment: string
    readonly style: Style
  }
): ReadonlyArray<string> => {
  const { failures, renewals, status } = observed
  const row = (name: string, value: string) => `${style.dim(name.padEnd(14))}${value}`
  const time = (name: string, at: DateTime.Utc | undefined, isToCome: boolean) =>
    at === undefined
      ? []
      : [row(name, `${timeOfDay(at)}${isToCome ? style.dim(`  in ${inSeconds(millisUntil(observed.at, at))}`) : ""}`)]
  const then = next(observed)
  const error = status.lastError
  return [
    `${style.bold("Spotnana access token")}  ${style.dim(environment)}`,
    "",
    `${paint(status.state, style)(style.bold(`● ${status.state}`.padEnd(14)))}${lifetime(observed, style, columns)}`,
    "",
    ...time("issued", status.issuedAt, false),
    ...time("expires", status.expiresAt, false),
    ...(then === undefined ? [] : time(then.name, then.at, true)),
    row("renewals", String(renewals)),
    row("failures", failures === 0 ? "0" : style.yellow(String(failures))),
    ...(error === undefined
      ? []
      : wrap(identified(error.message, error.debugIdentifier), columns - 14).map((line, index) =>
        index === 0 ? row("last error", style.red(line)) : row("", line)
      )),
    "",
    style.dim("Ctrl-C ends this view")
  ]
}
