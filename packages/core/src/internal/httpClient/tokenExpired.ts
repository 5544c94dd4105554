import * as ErrorBody from "@effect-spotnana/engine/ErrorBody"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { HttpClientResponse } from "effect/http"
import type { TokenExpired as Error } from "../../AuthError.ts"
import { TokenExpired } from "../../AuthError.ts"
import { readErrorBody } from "../http/body.ts"

const why = {
  rejected: "and a new token does not help. Check that the API user may call this API.",
  body:
    "and the body of the request can be sent once only. The token is replaced if that is due: make the request again.",
  redirect:
    "after a redirect. Sending the request again might do twice what it is for: find out whether it was done, and request the last address directly."
} as const

/** The error of a request that the API answered 401 to, with what the API said. */
export const tokenExpired = Effect.fnUntraced(function*(
  reason: keyof typeof why,
  response: HttpClientResponse.HttpClientResponse,
  secrets: ReadonlyArray<string>,
  retryAfter?: Error["retryAfter"]
) {
  const { code, debugIdentifier, description } = ErrorBody.parse(yield* readErrorBody(response), secrets)
  const said = description ?? code
  const about = `${response.request.method} answered 401${said === undefined ? "" : ` (${said})`}`
  return yield* new TokenExpired({
    reason: reason === "rejected" ? "Rejected" : "NotReplayable",
    debugIdentifier,
    retryAfter,
    message: retryAfter === undefined
      ? `${about}, ${why[reason]}`
      : `${about}. The last new tokens did not help, and no further one is requested for ${Duration.format(retryAfter)}.`
  })
})
