import * as Result from "effect/Result"

export type Header = readonly [name: string, value: string]

/** Reads `Name: value` (RFC 9110 §5.5); a failure says what is wrong with it, and does not repeat the value. */
export const parseHeader = (text: string): Result.Result<Header, string> => {
  const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$/.exec(text) ?? []
  if (name === undefined || value === undefined) {
    return Result.fail(`Expected "Name: value", in Latin-1 and on one line`)
  }
  if (name.toLowerCase() === "host") return Result.fail("Host is that of the configured address")
  // A bearer among the arguments would be there for everybody to read.
  return name.toLowerCase() === "authorization"
    ? Result.fail("Authorization is what this command adds; a secret does not belong on a command line")
    : Result.succeed([name, value])
}
