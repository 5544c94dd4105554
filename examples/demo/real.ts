// The demo on the real Spotnana: a token, and the first few companies that the API user may see.
import { AccessToken, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import type { AuthError } from "@effect-spotnana/core"
import { DateTime, Effect, Layer, References, Schema } from "effect"
import type { Config } from "effect"
import { FetchHttpClient, HttpClient, HttpClientResponse } from "effect/http"
import type { HttpClientError } from "effect/http"
import * as Screen from "./screen.ts"

const Companies = Schema.Struct({
  elements: Schema.optional(Schema.Array(Schema.Struct({ id: Schema.String, name: Schema.optional(Schema.String) }))),
  totalNumResults: Schema.optional(Schema.Int)
})

const show = Effect.gen(function*() {
  const provider = yield* TokenProvider.TokenProvider
  const { baseUrl, name } = provider.environment
  yield* Screen.line(
    name === new URL(baseUrl).host ? `Spotnana at ${baseUrl}\n` : `Spotnana ${name} at ${baseUrl}\n`,
    ""
  )

  const [duration, token] = yield* Effect.timed(provider.get)
  yield* Screen.check({ holds: true, fact: `A token, acquired in ${Screen.time(duration)}` })
  const lifetime = Screen.time(AccessToken.lifetime(token))
  yield* Screen.line(`It lives for ${lifetime}, until ${DateTime.formatIso(token.expiresAt)}.`)

  const spotnana = HttpClient.filterStatusOk(yield* SpotnanaHttpClient.SpotnanaHttpClient)
  const { elements = [], totalNumResults } = yield* spotnana.get("/v2/companies", { urlParams: { limit: 3 } }).pipe(
    Effect.flatMap(HttpClientResponse.schemaBodyJson(Companies))
  )
  yield* Screen.check({ holds: true, fact: `${totalNumResults ?? elements.length} companies` })
  yield* Effect.forEach(elements, ({ id, name }) => Screen.line(`${id}  ${name ?? ""}`))
})

const debugIdentifierOf = HttpClientResponse.schemaBodyJson(Schema.Struct({ debugIdentifier: Schema.String }))

/** What went wrong, and a line on what to do where the message does not say it. */
const explain = (
  error: AuthError.AuthError | Config.ConfigError | HttpClientError.HttpClientError | Schema.SchemaError
): Effect.Effect<readonly [problem: string, advice: string]> => {
  switch (error._tag) {
    case "ConfigError":
      return Effect.succeed([
        `${error.cause.message}.`,
        "Without SPOTNANA_CLIENT_ID and SPOTNANA_CLIENT_SECRET, a mock plays Spotnana."
      ])
    case "SchemaError":
      return Effect.succeed(["The list of companies is not as expected.", error.message])
    case "HttpClientError":
      return error.response === undefined
        ? Effect.succeed([error.message, "There is a token, but the API cannot be reached: check the network."])
        : debugIdentifierOf(error.response).pipe(
          Effect.map(({ debugIdentifier }) => ` Spotnana's debugIdentifier: ${debugIdentifier}.`),
          Effect.orElseSucceed(() => ""),
          Effect.map((suffix) => [
            error.message,
            (error.response?.status === 403
              ? "There is a token, but this API user may not list companies."
              : "There is a token: what is wrong is not about authentication.") + suffix
          ])
        )
    default:
      return Effect.succeed([
        `${error._tag}: ${error.message}`,
        error.debugIdentifier === undefined ? "" : `Spotnana's debugIdentifier: ${error.debugIdentifier}.`
      ])
  }
}

const report = Effect.fnUntraced(function*(error: Parameters<typeof explain>[0]) {
  const [problem, advice] = yield* explain(error)
  yield* Screen.check({ holds: false, fact: problem })
  if (advice !== "") yield* Screen.line(advice)
})

/** Says whether the API could be called. */
export const real: Effect.Effect<boolean> = Effect.andThen(
  Screen.title("effect-spotnana: a token, and a call with it"),
  show.pipe(
    Effect.provide(SpotnanaHttpClient.layerConfig().pipe(Layer.provide(FetchHttpClient.layer))),
    Effect.as(true),
    Effect.catch((error) => Effect.as(report(error), false)),
    // What goes wrong is explained; the library's log of it would say it twice.
    Effect.provideService(References.MinimumLogLevel, "None")
  )
)
