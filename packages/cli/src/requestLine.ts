import * as DateTime from "effect/DateTime"
import type { Style } from "./output.ts"

/** The time of day in the user's time zone. Without `Intl`, which takes 20 ms to load: a tenth of the time of a command. */
export const timeOfDay = (at: DateTime.DateTime): string => {
  const local = new Date(DateTime.toEpochMillis(at))
  return [local.getHours(), local.getMinutes(), local.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":")
}

const longest = 200

// Node accepts no request whose target has a control character, or a character outside ASCII.
const shown = (path: string): string => path.length > longest ? `${path.slice(0, longest)}…` : path

const paint = (style: Style, status: string): string => {
  switch (status[0]) {
    case "2":
      return style.green(status)
    case "3":
      return style.cyan(status)
    case "4":
      return style.yellow(status)
    default:
      return style.red(status)
  }
}

/** A request in one line, without the query, because it may contain secrets. */
export const requestLine = (style: Style, request: {
  readonly at: DateTime.DateTime
  readonly method: string
  readonly path: string
  readonly status: string
  readonly remark: string
}): string =>
  [
    style.dim(timeOfDay(request.at)),
    paint(style, request.status),
    request.method,
    shown(request.path),
    style.dim(request.remark)
  ].join(" ").trimEnd()
