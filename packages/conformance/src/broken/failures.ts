import type { Failure } from "../Protocol.ts"

/** An error of the naive client, with the fields of `AuthError`. */
export class CallFailed extends Error {
  readonly failure: Failure

  constructor(tag: string, message: string, fields?: Omit<Failure, "tag" | "message">) {
    super(message)
    this.failure = { tag, message, ...fields }
  }
}

/** The failure for an answer of the token endpoint without a token. `said` is its body. */
export const failureOf = (response: Response, said: string, retryAfter: number | undefined): CallFailed => {
  const { status } = response
  const isJson = said.startsWith("{")
  const debugIdentifier: string | undefined = isJson ? JSON.parse(said).debugIdentifier : undefined
  const message = `The token endpoint answered ${status}`
  const fields = { status, retryAfter, debugIdentifier }
  if (status === 429) return new CallFailed("TokenEndpointUnavailable", message, { ...fields, reason: "RateLimited" })
  if (status >= 500) return new CallFailed("TokenEndpointUnavailable", message, { ...fields, reason: "ServerError" })
  if (![400, 401, 403].includes(status)) return new CallFailed("MalformedTokenResponse", message, fields)
  return isJson
    ? new CallFailed("InvalidCredentials", message, { status, debugIdentifier })
    : new CallFailed("TokenEndpointUnavailable", message, { ...fields, reason: "Intermediary" })
}
