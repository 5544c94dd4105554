import * as Result from "effect/Result"
import { hopByHop } from "../hopByHop.ts"

export type Header = readonly [name: string, value: string]

/** Why the caller may not set a header, by its name in lower case. */
const reserved = new Map([
  ...hopByHop.map((name) => [name, "is about the connection, which this command controls"] as const),
  // Everybody could read a token in the arguments.
  ["authorization", "is added by this command; do not put a secret on a command line"],
  ["content-length", "is set by this command from the body"],
  ["expect", "is not supported: the body is sent with the request"],
  ["host", "is set by this command from the configured address"]
])

/** One header of each name. Several values are one list, separated by commas (RFC 9110 §5.3), or cookies. */
export const combined = (headers: ReadonlyArray<Header>): Readonly<Record<string, string>> => {
  const values: Record<string, string> = {}
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    const before = values[key]
    values[key] = before === undefined ? value : before + (key === "cookie" ? "; " : ", ") + value
  }
  return values
}

/** Parses `Name: value` (RFC 9110 §5.5). A failure says what is wrong with it, and does not contain the value. */
export const parseHeader = (text: string): Result.Result<Header, string> => {
  const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$/.exec(text) ?? []
  if (name === undefined || value === undefined) {
    return Result.fail(`Expected "Name: value", in Latin-1 and on one line`)
  }
  const why = reserved.get(name.toLowerCase())
  return why === undefined ? Result.succeed([name, value]) : Result.fail(`${name} ${why}`)
}
