import * as NoAnswer from "@effect-spotnana/engine/NoAnswer"
import type { Answer } from "@effect-spotnana/engine/TokenResponse"
import { interpret } from "@effect-spotnana/engine/TokenResponse"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { AccessToken } from "../../AccessToken.ts"
import type { TokenEndpointError } from "../../AuthError.ts"
import { fromToken } from "../fromToken.ts"
import { unseen } from "../http/beforeSending.ts"
import type { Diverted, Unseen } from "./pinnedClient.ts"
import { toError } from "./tokenFailure.ts"

/** The token in an answer, or the one error that fits it. */
export const readToken = (answer: Answer, issuedAt: DateTime.Utc): Effect.Effect<AccessToken, TokenEndpointError> => {
  const response = interpret(answer)
  return response._tag === "Token"
    ? Effect.succeed(fromToken(response, issuedAt))
    : Effect.fail(toError(response))
}

/** The error if there is no answer. */
export const noAnswer =
  (asked: NoAnswer.Asked) => (error: HttpClientError.HttpClientError | Diverted | Unseen): TokenEndpointError =>
    toError(
      error._tag === "Unseen"
        ? { _tag: "TokenEndpointUnavailable", reason: "Transport", message: unseen }
        : error._tag === "Diverted"
        ? NoAnswer.diverted(asked, error.origin)
        : NoAnswer.lost(asked, error, error.reason, error._tag === "ResponseError" ? error.response.status : undefined)
    )
