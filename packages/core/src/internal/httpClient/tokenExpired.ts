import * as ErrorBody from "@effect-spotnana/engine/ErrorBody"
import * as Url from "@effect-spotnana/engine/Url"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { HttpClientResponse } from "effect/http"
import { TokenExpired } from "../../AuthError.ts"
import { readErrorBody } from "../http/body.ts"

const why = {
  rejected: "and a new token does not help. Check that the API user may call this API.",
  body: "and the body can be sent only once. Make the request again: the token is replaced, if that is due.",
  redirect:
    "after a redirect, which may have removed the token. Request the last address directly. If the request changes something, find out first whether it was done."
} as const

/** The error of a request whose token the API rejected, with what the API said. */
export const tokenExpired = Effect.fnUntraced(function*(
  reason: keyof typeof why,
  response: HttpClientResponse.HttpClientResponse,
  secrets: ReadonlyArray<string>,
  retryAfter?: TokenExpired["retryAfter"]
) {
  const { code, debugIdentifier, description } = ErrorBody.parse(yield* readErrorBody(response), secrets)
  const said = description ?? code
  const { method, url } = response.request
  const about = `${method} ${Url.shownPath(url)} answered ${response.status}${said === undefined ? "" : ` (${said})`}`
  return yield* new TokenExpired({
    reason: reason === "rejected" ? "Rejected" : "NotReplayable",
    debugIdentifier,
    retryAfter,
    message: retryAfter === undefined
      ? `${about}, ${why[reason]}`
      : `${about}, ${why.rejected} No further one is requested for ${Duration.format(retryAfter)}.`
  })
})
