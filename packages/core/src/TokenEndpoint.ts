/**
 * The wire: one form POST in, one token or one typed error out.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import { constFalse } from "effect/Function"
import { FetchHttpClient, HttpClient, HttpClientRequest, UrlParams } from "effect/http"
import type { HttpClientError, HttpClientResponse } from "effect/http"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Tracer from "effect/Tracer"
import type { AccessToken } from "./AccessToken.ts"
import { InvalidCredentials, TokenEndpointUnavailable } from "./AuthError.ts"
import type { TokenEndpointError } from "./AuthError.ts"
import { problem } from "./Credentials.ts"
import type { ClientCredentials } from "./Credentials.ts"
import type { Environment } from "./Environment.ts"
import { production } from "./Environment.ts"
import { readBody } from "./internal/body.ts"
import { printable } from "./internal/printable.ts"
import { interpret } from "./internal/tokenResponse.ts"
import { userAgent } from "./internal/userAgent.ts"

/**
 * What the token request says besides the credentials, and its bounds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Where the token endpoint is. Default: Spotnana's production. */
  readonly environment?: Environment | undefined
  /** `scope`: space-delimited (RFC 6749 §3.3). Default: none. */
  readonly scope?: string | undefined
  /** `audience`: the API that the token is for. Default: none. */
  readonly audience?: string | undefined
  /** Further form parameters. They cannot replace the ones that are sent anyway. */
  readonly parameters?: Readonly<Record<string, string | Redacted.Redacted>> | undefined
  /** Client id and secret in the `body` (Spotnana's way, the default) or by HTTP `basic` (RFC 6749 §2.3.1). */
  readonly clientAuthentication?: "body" | "basic" | undefined
  /** The time for one request and its whole answer. Default: 10 seconds. */
  readonly timeout?: Duration.Input | undefined
  /** The largest answer that is read, in bytes after decompression. Default: 65 536. */
  readonly maxBodySize?: number | undefined
}

/**
 * Exchanges client credentials for an access token (RFC 6749 §4.4).
 *
 * **When to use**
 *
 * Use to request a token outside the lifecycle that `TokenProvider` keeps, or to
 * replace the wire in a test.
 *
 * **Details**
 *
 * One call of `acquire` is one request: nothing is cached, shared or retried
 * here. Redirects are never followed.
 *
 * @category services
 * @since 0.1.0
 */
export class TokenEndpoint extends Context.Service<TokenEndpoint, {
  /** Where the token endpoint is. */
  readonly environment: Environment
  /** What tells its tokens apart from those of another endpoint at the same address, for a `TokenStore`. No secret. */
  readonly variant?: string | undefined
  /** One request for one token. */
  readonly acquire: (credentials: ClientCredentials) => Effect.Effect<AccessToken, TokenEndpointError>
}>()("@effect-spotnana/core/TokenEndpoint") {}

// RFC 6749 §2.3.1: id and secret are form-encoded before they become a user name and a password.
const formEncode = (text: string): string => UrlParams.toString([["", text]]).slice(1)

const basic = ({ clientId, clientSecret }: ClientCredentials): string =>
  Base64.encode(`${formEncode(clientId)}:${formEncode(Redacted.value(clientSecret))}`)

// A client made by `FetchHttpClient.layer` keeps the `RequestInit` (a proxy's dispatcher, say) that its layer was
// built with, and one provided later takes its place whole. To add to it, it has to be seen: from inside, since the
// request effect runs in the client's own context. The interruption ends that before anything is sent or retried.
const capturedRequestInit = (client: HttpClient.HttpClient): Effect.Effect<globalThis.RequestInit | undefined> => {
  let captured: globalThis.RequestInit | undefined
  const look = Effect.contextWith((context: Context.Context<never>) => {
    captured = Context.getOrUndefined(context, FetchHttpClient.RequestInit)
    return Effect.interrupt
  })
  return Effect.map(Effect.exit(client.postprocess(look)), () => captured)
}

/** Where a client wanted to send the token request, if not to the token endpoint. */
class Diverted {
  readonly origin: string
  constructor(origin: string) {
    this.origin = origin
  }
}

// A client that follows redirects or rewrites URLs would take the secret along. This predicate is what every client made
// by `HttpClient.make` asks about each request right before it is sent: the last moment to refuse one. It is not asked
// where propagation is disabled altogether, so that is put into its answer.
const onlyTo = <A, E, R>(address: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.contextWith((context: Context.Context<R>) => {
    const disabled = Context.get(context, Tracer.DisablePropagation)
    const disabledWhen = Context.get(context, HttpClient.TracerDisabledWhen)
    return effect.pipe(
      Effect.provideService(Tracer.DisablePropagation, false),
      Effect.provideService(HttpClient.TracerDisabledWhen, (request) => {
        if (withoutQuery(request.url) === address) return disabled || disabledWhen(request)
        throw new Diverted(URL.canParse(request.url) ? new URL(request.url).origin : "an address that is not a URL")
      })
    )
  })

/**
 * Makes a token endpoint from the `HttpClient` of the environment.
 *
 * **Details**
 *
 * The request goes to the token URL and nowhere else: a client that follows a
 * redirect with it, or rewrites its URL, fails with `TokenEndpointUnavailable`.
 *
 * **Gotchas**
 *
 * Give it the plain client of the platform: one that retries or limits does so
 * with token requests too. A client that is not made by `HttpClient.make`, and a
 * browser's XMLHttpRequest, may follow redirects unseen.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options = {}
): Effect.Effect<TokenEndpoint["Service"], never, HttpClient.HttpClient> =>
  Effect.gen(function*() {
    const client = yield* HttpClient.HttpClient
    const requestInit = { ...(yield* capturedRequestInit(client)), redirect: "manual" as const }
    const environment = options.environment ?? production
    const inBody = options.clientAuthentication !== "basic"
    const timeout = Duration.fromInputUnsafe(options.timeout ?? "10 seconds")
    const maxBodySize = options.maxBodySize ?? 65_536
    const address = withoutQuery(environment.tokenUrl)

    const request = (credentials: ClientCredentials): HttpClientRequest.HttpClientRequest =>
      HttpClientRequest.post(environment.tokenUrl, {
        acceptJson: true,
        headers: inBody
          ? { "user-agent": userAgent }
          : { "user-agent": userAgent, authorization: `Basic ${basic(credentials)}` }
      }).pipe(HttpClientRequest.bodyUrlParams({
        ...options.parameters,
        ...(options.scope === undefined ? undefined : { scope: options.scope }),
        ...(options.audience === undefined ? undefined : { audience: options.audience }),
        grant_type: "client_credentials",
        ...(inBody ? { client_id: credentials.clientId, client_secret: credentials.clientSecret } : undefined)
      }))

    const exchange = (credentials: ClientCredentials): Effect.Effect<AccessToken, TokenEndpointError> => {
      const secret = Redacted.value(credentials.clientSecret)
      const secrets = [
        secret,
        basic(credentials),
        ...Object.values(options.parameters ?? {}).flatMap((value) =>
          Predicate.isString(value) ? [] : [Redacted.value(value)]
        )
      ]
      const unreachable = (error: HttpClientError.HttpClientError) =>
        new TokenEndpointUnavailable({
          reason: "Transport",
          status: error.response?.status,
          message: `No answer from ${address}: ${printable(rootMessage(error), secrets)}. ` +
            "Check the network and the environment's address."
        })
      const diverted = ({ origin }: Diverted) =>
        new TokenEndpointUnavailable({
          reason: "Transport",
          message:
            `The HTTP client wanted to send the token request to ${printable(origin, secrets)}, not to ${address}: ` +
            "it follows redirects or rewrites URLs. Give the library one that does neither, and the token URL that is meant."
        })
      // A client that filters statuses has already made an error of the answer: it is an answer all the same.
      const answer = Effect.catch(
        onlyTo(address, client.execute(request(credentials))),
        (error): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError> =>
          error.reason._tag === "StatusCodeError" ? Effect.succeed(error.reason.response) : Effect.fail(error)
      )
      return Effect.gen(function*() {
        const issuedAt = yield* DateTime.now
        const response = yield* Effect.mapError(answer, unreachable).pipe(
          Effect.catchDefect((defect) =>
            defect instanceof Diverted ? Effect.fail(diverted(defect)) : Effect.die(defect)
          )
        )
        const body = yield* Effect.mapError(readBody(response, maxBodySize), unreachable)
        const now = yield* Clock.currentTimeMillis
        return yield* interpret({
          response,
          body,
          address,
          environment,
          credentials,
          secrets,
          issuedAt,
          now,
          maxBodySize
        })
      })
    }

    return {
      environment,
      variant: JSON.stringify([
        options.scope ?? "",
        options.audience ?? "",
        ...Object.entries(options.parameters ?? {}).map((
          [name, value]
        ) => [name, Predicate.isString(value) ? value : ""])
      ]),
      acquire: (credentials) => {
        const wrong = problem(credentials)
        if (wrong !== undefined) {
          return Effect.fail(
            new InvalidCredentials({
              clientId: credentials.clientId,
              message: `The credentials cannot be sent: ${wrong}.`
            })
          )
        }
        return exchange(credentials).pipe(
          Effect.provideService(FetchHttpClient.RequestInit, requestInit),
          // Whatever the application does with headers in spans, those with the credentials are in none.
          Effect.provideService(HttpClient.TracerHeaderFilter, constFalse),
          Effect.timeoutOrElse({
            duration: timeout,
            orElse: () =>
              Effect.fail(
                new TokenEndpointUnavailable({
                  reason: "Timeout",
                  message: `No complete answer from ${address} within ${
                    Duration.format(timeout)
                  }. Check the network, or raise the timeout.`
                })
              )
          }),
          Effect.withSpan("TokenEndpoint.acquire", {
            root: true,
            attributes: {
              "spotnana.environment": environment.name,
              "spotnana.client_id": credentials.clientId,
              "url.full": address
            }
          }, { captureStackTrace: false })
        )
      }
    }
  })

// A token URL may have a key in its query.
const withoutQuery = (url: string): string => url.replace(/\?.*$/, "")

// The innermost message is the one that says something: "connect ECONNREFUSED 127.0.0.1:1", not "fetch failed". A host
// of several addresses makes an AggregateError of one failure each.
const rootMessage = (error: HttpClientError.HttpClientError): string => {
  let root: unknown = error.reason
  for (let depth = 0; depth < 8 && root instanceof Error; depth++) {
    const inner: unknown = root instanceof AggregateError ? root.errors[0] : root.cause
    if (!(inner instanceof Error)) break
    root = inner
  }
  if (!(root instanceof Error) || root === error.reason) return error.reason._tag
  return root.name === "Error" ? root.message : `${root.name}: ${root.message}`
}

/**
 * The token endpoint of an environment.
 *
 * @see {@link make} for what the client must not do
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<TokenEndpoint, never, HttpClient.HttpClient> =>
  Layer.effect(TokenEndpoint, make(options))
