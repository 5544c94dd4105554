import { SpotnanaApiError, TokenEndpoint } from "@effect-spotnana/core"
import type { AccessToken, AuthError, Environment } from "@effect-spotnana/core"
import { loopback } from "@effect-spotnana/engine/Environment"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { identified, rootOf } from "../exitCode.ts"
import { timeLeft } from "../session.ts"
import { oddityOf } from "./body.ts"
import { Fault } from "./check.ts"
import type { Found } from "./check.ts"
import type { Subject } from "./local.ts"

const adviceOn = (error: AuthError.TokenEndpointError, { tokenUrl }: Environment.Environment): string => {
  switch (error._tag) {
    case "InvalidCredentials":
      if (loopback.test(new URL(tokenUrl).hostname)) {
        return "Compare SPOTNANA_CLIENT_ID and SPOTNANA_CLIENT_SECRET with those of the server on this machine. A mock makes a " +
          "new secret at each start: read its file again."
      }
      return "Compare SPOTNANA_CLIENT_ID and SPOTNANA_CLIENT_SECRET with what Spotnana gave you. " +
        "Sandbox credentials do not work in production (SPOTNANA_ENVIRONMENT), and a rotation ends the old secret."
    case "TokenEndpointUnavailable":
      return "This is transient: try again later. If it lasts, give the debugIdentifier to Spotnana's support."
    case "MalformedTokenResponse":
      return `Is ${tokenUrl} the token endpoint? A proxy may answer instead.`
  }
}

/** Requests a token of its own. A stored token of an earlier run would say nothing about the credentials. */
export const checkCredentials = (
  { credentials, environment }: Subject
): Effect.Effect<Found<AccessToken.AccessToken>, Fault, HttpClient.HttpClient> =>
  TokenEndpoint.TokenEndpoint.use((endpoint) => endpoint.acquire(credentials)).pipe(
    Effect.mapError((error) =>
      new Fault({
        summary: identified(error.message, error.debugIdentifier),
        advice: adviceOn(error, environment)
      })
    ),
    Effect.flatMap((token) =>
      Effect.map(timeLeft(token), (left) => ({
        summary: `accepted: a token for ${Duration.format(Duration.seconds(Math.ceil(Duration.toSeconds(left))))}`,
        value: token
      }))
    ),
    Effect.provide(Layer.fresh(TokenEndpoint.layer({ environment })))
  )

const adviceOnStatus = (status: number): string => {
  if (status < 400) return "A redirect is not the API: check SPOTNANA_BASE_URL."
  if (status === 401) return "The API does not accept the token that was issued for it: check SPOTNANA_BASE_URL."
  if (status === 403) {
    return "The credentials are right, but this API user may not make this call. Ask Spotnana for the permission, or name a call " +
      "that it may make: --call"
  }
  if (status === 429) return "Too many requests: try again later."
  if (status < 500) return "Name a call that the API has: --call"
  return "The error is on Spotnana's side: try again later, or give the debugIdentifier to its support."
}

const notTheApi = "The API answers with JSON. This answer may come from something else: a maintenance page, a " +
  "proxy, another server. Check SPOTNANA_BASE_URL, and try again later."

/** One call of the API with that token. */
export const checkCall = (
  { baseUrl }: Environment.Environment,
  token: AccessToken.AccessToken,
  path: string
): Effect.Effect<Found<void>, Fault, HttpClient.HttpClient> =>
  Effect.gen(function*() {
    const response = yield* HttpClientRequest.get(`${baseUrl}/${path.replace(/^\//, "")}`).pipe(
      HttpClientRequest.bearerToken(token.value),
      HttpClient.execute,
      Effect.mapError((error) =>
        new Fault({ summary: `no answer (${rootOf(error)})`, advice: "Look for a proxy in between, and try again." })
      )
    )
    const { status } = response
    if (status >= 200 && status < 300) {
      const oddity = yield* oddityOf(response, [Redacted.value(token.value)])
      const summary = `GET ${path} answered ${status}`
      return oddity === undefined
        ? { summary, value: undefined }
        : { summary: `${summary} with ${oddity}`, value: undefined, warning: notTheApi }
    }
    const { debugIdentifier, message } = yield* SpotnanaApiError.fromResponse(response)
    return yield* new Fault({ summary: identified(message, debugIdentifier), advice: adviceOnStatus(status) })
  })
