// What docs/odd-servers.md shows, as it stands there: a test compares the two.
import {
  AccessToken,
  AuthError,
  Environment,
  SpotnanaHttpClient,
  TokenEndpoint,
  TokenProvider
} from "@effect-spotnana/core"
import { DateTime, Effect, Layer, Redacted } from "effect"
import { HttpClient, HttpClientRequest, HttpClientResponse } from "effect/http"

const JsonTokenEndpoint = (environment: Environment.Environment) =>
  Layer.effect(
    TokenEndpoint.TokenEndpoint,
    TokenEndpoint.makeWith({
      environment,
      request: ({ clientId, clientSecret }) =>
        HttpClientRequest.post(environment.tokenUrl).pipe(
          HttpClientRequest.bodyJsonUnsafe({ id: clientId, secret: Redacted.value(clientSecret) })
        ),
      translate: ({ token, ttl }) => ({ access_token: token, expires_in: ttl === 0 ? undefined : ttl })
    })
  )

const clientOf = (Endpoint: Layer.Layer<TokenEndpoint.TokenEndpoint, never, HttpClient.HttpClient>) =>
  SpotnanaHttpClient.layerProvider.pipe(
    Layer.provideMerge(TokenProvider.layer()),
    Layer.provide(Endpoint)
  )

const BasicTokenEndpoint = (environment: Environment.Environment) =>
  Layer.effect(
    TokenEndpoint.TokenEndpoint,
    TokenEndpoint.makeWith({
      environment,
      request: ({ clientId, clientSecret }) =>
        HttpClientRequest.post(environment.tokenUrl).pipe(
          HttpClientRequest.basicAuth(clientId, clientSecret),
          HttpClientRequest.bodyUrlParams({ grant_type: "client_credentials" })
        ),
      translate: () => ({ token_type: "Bearer" })
    })
  )

const SidecarTokenEndpoint = (environment: Environment.Environment, readToken: Effect.Effect<string, unknown>) =>
  Layer.succeed(TokenEndpoint.TokenEndpoint, {
    environment,
    acquire: Effect.fnUntraced(
      function*() {
        const issuedAt = yield* DateTime.now
        const response = { access_token: yield* readToken }
        const { defaultLifetime } = environment
        return yield* Effect.fromResult(AccessToken.decode(response, { issuedAt, defaultLifetime }))
      },
      Effect.mapError(() =>
        new AuthError.TokenEndpointUnavailable({ reason: "Transport", message: "The sidecar gave no token." })
      )
    )
  })

const environmentAt = (baseUrl: string) =>
  Environment.makeUnsafe({
    baseUrl,
    tokenUrl: "/login",
    rejectsToken: (answer) =>
      Environment.rejectsToken(answer) ||
      answer.status === 403 && answer.headers["x-error"] === "Bad_OAuth_Token"
  })

const saysDead = (body: string) => body.includes("\"INVALID_TOKEN\"")

const unauthorizedByBody = (client: HttpClient.HttpClient) =>
  HttpClient.transformResponse(
    client,
    Effect.flatMap((response) => {
      const { headers, request, status, url } = response
      if (status !== 200 && status !== 400) return Effect.succeed(response)
      return Effect.map(response.text, (text) => {
        const copy = new Response(text, { headers: { ...headers }, status: saysDead(text) ? 401 : status })
        return HttpClientResponse.fromWeb(request, Object.defineProperty(copy, "url", { value: url }))
      })
    })
  )

const authenticatedByBody = Effect.gen(function*() {
  const provider = yield* TokenProvider.TokenProvider
  const client = yield* HttpClient.HttpClient
  return client.pipe(unauthorizedByBody, SpotnanaHttpClient.authenticate(provider))
})

export { authenticatedByBody, BasicTokenEndpoint, clientOf, environmentAt, JsonTokenEndpoint, SidecarTokenEndpoint }
