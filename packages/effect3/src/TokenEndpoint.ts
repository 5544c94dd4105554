/**
 * The token endpoint: one request, answered with one token or one typed error.
 *
 * @since 0.1.0
 */
import * as NoAnswer from "@effect-spotnana/engine/NoAnswer"
import { checked, count, oneOf } from "@effect-spotnana/engine/Options"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { AccessToken } from "./AccessToken.ts"
import { InvalidCredentials } from "./AuthError.ts"
import type { TokenEndpointError } from "./AuthError.ts"
import { problem } from "./Credentials.ts"
import type { ClientCredentials } from "./Credentials.ts"
import type { Environment } from "./Environment.ts"
import { production } from "./Environment.ts"
import { readBody } from "./internal/http/body.ts"
import { duration } from "./internal/options.ts"
import { pinnedClient, withoutQuery } from "./internal/tokenEndpoint/pinnedClient.ts"
import { toError } from "./internal/tokenEndpoint/tokenFailure.ts"
import { secretParameters, secretsIn, tokenRequest, variantOf } from "./internal/tokenEndpoint/tokenRequest.ts"
import { noAnswer, readToken } from "./internal/tokenEndpoint/tokenResponse.ts"

/**
 * Further fields of the token request, and its limits.
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
  /** Further form parameters. They cannot replace the parameters that are always sent. */
  readonly parameters?: Readonly<Record<string, string | Redacted.Redacted>> | undefined
  /** Client id and secret in the `body` (Spotnana's way, the default) or by HTTP `basic` (RFC 6749 §2.3.1). */
  readonly clientAuthentication?: "body" | "basic" | undefined
  /** The time limit for one request and its whole answer: at least 1 millisecond. Default: 10 seconds. */
  readonly timeout?: Duration.DurationInput | undefined
  /** The largest answer that is read, in bytes after decompression: at least 1. Default: 65 536. */
  readonly maxBodySize?: number | undefined
}

/**
 * Exchanges client credentials for an access token (RFC 6749 §4.4).
 *
 * **When to use**
 *
 * Use to request a token outside the lifecycle of `TokenProvider`, or to replace
 * the token endpoint in a test.
 *
 * **Details**
 *
 * One call of `acquire` is one request: nothing is cached, shared or retried
 * here. Redirects are never followed.
 *
 * @category services
 * @since 0.1.0
 */
export class TokenEndpoint extends Context.Tag("@effect-spotnana/effect3/TokenEndpoint")<TokenEndpoint, {
  /** Where the token endpoint is. */
  readonly environment: Environment
  /**
   * What distinguishes its tokens from those of another endpoint at the same address. A `TokenStore` uses it to keep
   * them apart. `Redacted` if it contains a secret.
   */
  readonly variant?: string | Redacted.Redacted | undefined
  /** The time limit for one request. An acquisition gets 5 seconds more, and at least 15 seconds. */
  readonly timeout?: Duration.Duration | undefined
  /** One request for one token. */
  readonly acquire: (credentials: ClientCredentials) => Effect.Effect<AccessToken, TokenEndpointError>
}>() {}

const checkedOptions = (
  { environment, maxBodySize = 65_536, timeout = "10 seconds" }: Pick<
    CustomOptions,
    "environment" | "maxBodySize" | "timeout"
  >
) => ({
  environment: checked(
    "TokenEndpoint.environment",
    environment,
    Predicate.hasProperty(environment, "tokenUrl"),
    "an Environment"
  ),
  maxBodySize: count("TokenEndpoint.maxBodySize", maxBodySize),
  timeout: duration("TokenEndpoint.timeout", timeout, 1)
})

const checkForm = ({ audience = "", clientAuthentication = "body", parameters = {}, scope = "" }: Options): void => {
  oneOf("TokenEndpoint.clientAuthentication", clientAuthentication, ["body", "basic"])
  const texts = Object.entries({ ...parameters }).map(([name, value]) => [`parameters.${name}`, value] as const)
  for (const [name, value] of [["scope", scope], ["audience", audience], ...texts] as const) {
    const isText = Predicate.isString(Redacted.isRedacted(value) ? Redacted.value(value) : value)
    checked(`TokenEndpoint.${name}`, value, isText, "a text")
  }
}

/**
 * Options of a token endpoint that does not follow RFC 6749.
 *
 * @category models
 * @since 0.1.0
 */
export interface CustomOptions extends Pick<Options, "timeout" | "maxBodySize"> {
  /** Where the token endpoint is. */
  readonly environment: Environment
  /** The token request, with the credentials where the server expects them. Its URL is the environment's `tokenUrl`. */
  readonly request: (credentials: ClientCredentials) => HttpClientRequest.HttpClientRequest
  /**
   * Translates the JSON object in an answer to the fields of RFC 6749: `access_token`, `token_type`, `expires_in`
   * (§5.1), or `error` with one of its codes (§5.2). It returns only the fields that differ, and all others stay as
   * they are. It also gets the answers without a token. If it throws, all fields stay. Default: all fields stay.
   */
  readonly translate?: ((json: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>) | undefined
  /**
   * Further secrets that no error may show, besides the client secret and the `Authorization` of the request. Default:
   * nothing.
   */
  readonly secrets?: ReadonlyArray<Redacted.Redacted> | undefined
  /** What distinguishes its tokens from those of another endpoint at the same address. Default: nothing. */
  readonly variant?: string | Redacted.Redacted | undefined
}

/**
 * Makes a token endpoint whose requests and answers are not those of RFC 6749.
 *
 * **When to use**
 *
 * Use for a server that expects JSON or has the credentials in another place, or
 * whose answer has other field names. Use {@link make} for any other.
 *
 * **Details**
 *
 * Everything else is as with {@link make}. The request is sent to the token URL
 * only: no redirect is followed, and a request for another address is refused. Time
 * and size are bounded, every answer is a token or a typed error, and no error shows
 * the secret.
 *
 * **Example** (A server that expects JSON, and answers `0` for a token that does
 * not expire)
 *
 * ```ts
 * import { Environment, TokenEndpoint } from "@effect-spotnana/effect3"
 * import { Layer, Redacted } from "effect"
 * import { HttpClientRequest } from "@effect/platform"
 *
 * const environment = Environment.makeUnsafe({ baseUrl: "https://api.acme.example", tokenUrl: "/login" })
 *
 * const AcmeTokenEndpoint = Layer.effect(
 *   TokenEndpoint.TokenEndpoint,
 *   TokenEndpoint.makeWith({
 *     environment,
 *     request: ({ clientId, clientSecret }) =>
 *       HttpClientRequest.post(environment.tokenUrl).pipe(
 *         HttpClientRequest.bodyUnsafeJson({ clientId, clientSecret: Redacted.value(clientSecret) })
 *       ),
 *     translate: ({ token, ttl }) => ({ access_token: token, expires_in: ttl || undefined })
 *   })
 * )
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeWith: (
  options: CustomOptions
) => Effect.Effect<TokenEndpoint["Type"], never, HttpClient.HttpClient> = /* #__PURE__ */ Effect.fnUntraced(
  function*(options: CustomOptions) {
    const { translate, variant } = options
    const { environment, maxBodySize, timeout } = checkedOptions(options)
    const address = withoutQuery(environment.tokenUrl)
    const send = pinnedClient(yield* HttpClient.HttpClient, address)

    const exchange = Effect.fnUntraced(
      function*(
        request: HttpClientRequest.HttpClientRequest,
        clientId: string,
        secrets: ReadonlyArray<string>
      ) {
        const defaultLifetime = Duration.toMillis(environment.defaultLifetime)
        const known = { address, clientId, defaultLifetime, maxBodySize, secrets, translate }
        const toFailure = noAnswer(known)
        const issuedAt = yield* DateTime.now
        const response = yield* Effect.mapError(send(request), toFailure)
        const body = yield* Effect.mapError(readBody(response, maxBodySize), toFailure)
        const now = yield* Clock.currentTimeMillis
        return yield* readToken({ ...known, status: response.status, headers: response.headers, body, now }, issuedAt)
      }
    )

    return {
      environment,
      variant,
      timeout,
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
        const request = options.request(credentials)
        const secrets = secretsIn(environment.tokenUrl, request, credentials, options.secrets)
        return exchange(request, credentials.clientId, secrets).pipe(
          // A defect of the HTTP client. Its message may contain what was sent.
          Effect.catchAllDefect((defect) => Effect.fail(toError(NoAnswer.broken({ address, secrets }, defect)))),
          Effect.interruptible,
          Effect.timeoutFail({
            duration: timeout,
            onTimeout: () => toError(NoAnswer.timedOut({ address, secrets }, Duration.format(timeout)))
          }),
          // A child fiber that fails is logged with its error, which contains the request.
          Effect.withUnhandledErrorLogLevel(Option.none()),
          Effect.withSpan("TokenEndpoint.acquire", {
            root: true,
            captureStackTrace: false,
            attributes: {
              "spotnana.environment": environment.name,
              "spotnana.client_id": credentials.clientId,
              "url.full": address
            }
          })
        )
      }
    }
  }
)

/**
 * Makes a token endpoint from the `HttpClient` of the environment.
 *
 * **Details**
 *
 * The request is sent only to the token URL. If the client follows a redirect, or
 * rewrites the URL, the request fails with `TokenEndpointUnavailable`.
 *
 * Throws a `RangeError` for an option that is out of its range, because it is a
 * mistake in the program.
 *
 * **Gotchas**
 *
 * Give it the plain client of the platform. A client that retries or limits
 * requests would do so with token requests too. A browser's XMLHttpRequest may
 * follow redirects without being noticed. Nothing is sent with a client that is not
 * made by `HttpClient.make`, nor with one that has `withTracerDisabledWhen`,
 * `withTracerEnabled`, a `RequestInit` or undici options inside of
 * `followRedirects` or `transform`: it would keep the library from seeing where it
 * sends the secret. Apply these last.
 *
 * @see {@link makeWith} for a server that does not follow RFC 6749
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options = {}
): Effect.Effect<TokenEndpoint["Type"], never, HttpClient.HttpClient> =>
  Effect.suspend(() => {
    const { environment = production } = options
    checkForm(options)
    return makeWith({
      environment,
      maxBodySize: options.maxBodySize,
      timeout: options.timeout,
      request: (credentials) => tokenRequest(environment.tokenUrl, options, credentials),
      secrets: secretParameters(options),
      variant: variantOf(options)
    })
  })

/**
 * The token endpoint of an environment.
 *
 * @see {@link make} for the requirements on the client
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<TokenEndpoint, never, HttpClient.HttpClient> =>
  Layer.effect(TokenEndpoint, make(options))
