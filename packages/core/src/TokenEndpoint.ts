/**
 * The token endpoint: one request, answered with one token or one typed error.
 *
 * @since 0.1.0
 */
import * as NoAnswer from "@effect-spotnana/engine/NoAnswer"
import { checked, count, oneOf } from "@effect-spotnana/engine/Options"
import type { Answer } from "@effect-spotnana/engine/TokenResponse"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { HttpClientRequest } from "effect/http"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
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
import { sendTo, withoutQuery } from "./internal/tokenEndpoint/pinnedClient.ts"
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
  readonly timeout?: Duration.Input | undefined
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
export class TokenEndpoint extends Context.Service<TokenEndpoint, {
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
}>()("@effect-spotnana/core/TokenEndpoint") {}

const checkTexts = (prefix: string, texts: Readonly<Record<string, unknown>>): void => {
  for (const [name, value] of Object.entries(texts)) {
    const isText = Predicate.isString(Redacted.isRedacted(value) ? Redacted.value(value) : value)
    checked(`TokenEndpoint.${prefix}${name}`, value, isText, "a text")
  }
}

const checkForm = ({ audience = "", clientAuthentication = "body", parameters, scope = "" }: Options): void => {
  oneOf("TokenEndpoint.clientAuthentication", clientAuthentication, ["body", "basic"])
  checkTexts("", { scope, audience })
  checkTexts("parameters.", { ...parameters })
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
 * import { Environment, TokenEndpoint } from "@effect-spotnana/core"
 * import { Layer, Redacted } from "effect"
 * import { HttpClientRequest } from "effect/http"
 *
 * const environment = Environment.makeUnsafe({ baseUrl: "https://api.acme.example", tokenUrl: "/login" })
 *
 * const AcmeTokenEndpoint = Layer.effect(
 *   TokenEndpoint.TokenEndpoint,
 *   TokenEndpoint.makeWith({
 *     environment,
 *     request: ({ clientId, clientSecret }) =>
 *       HttpClientRequest.post(environment.tokenUrl).pipe(
 *         HttpClientRequest.bodyJsonUnsafe({ clientId, clientSecret: Redacted.value(clientSecret) })
 *       ),
 *     translate: ({ token, ttl }) => ({ access_token: token, expires_in: ttl || undefined })
 *   })
 * )
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeWith = (
  options: CustomOptions
): Effect.Effect<TokenEndpoint["Service"], never, HttpClient.HttpClient> =>
  Effect.map(HttpClient.HttpClient, (client) => new Endpoint(options, client))

const defaultTimeout = /* #__PURE__ */ Duration.seconds(10)
const defaultMaxBodySize = 65_536

/** A class, so that thousands of tenants share one copy of its methods. */
class Endpoint {
  readonly environment: Environment
  readonly variant: CustomOptions["variant"]
  readonly timeout: Duration.Duration
  readonly #options: CustomOptions
  readonly #client: HttpClient.HttpClient

  constructor(options: CustomOptions, client: HttpClient.HttpClient) {
    const { environment, maxBodySize = defaultMaxBodySize, timeout = defaultTimeout, variant } = options
    const isEnvironment = Predicate.hasProperty(environment, "tokenUrl")
    this.environment = checked("TokenEndpoint.environment", environment, isEnvironment, "an Environment")
    this.variant = variant
    this.timeout = duration("TokenEndpoint.timeout", timeout, 1)
    this.#options = options
    count("TokenEndpoint.maxBodySize", maxBodySize)
    this.#client = client
  }

  // A field like the others, so that a copy of the service has it too.
  readonly acquire = (credentials: ClientCredentials): Effect.Effect<AccessToken, TokenEndpointError> => {
    const { clientId } = credentials
    const wrong = problem(credentials)
    if (wrong !== undefined) {
      return Effect.fail(
        new InvalidCredentials({ clientId, message: `The credentials cannot be sent: ${wrong}.` })
      )
    }
    const { environment, timeout } = this
    const address = withoutQuery(environment.tokenUrl)
    const request = this.#options.request(credentials)
    const secrets = secretsIn(environment.tokenUrl, request, credentials, this.#options.secrets)
    const asked = { address, clientId, secrets }
    return this.#exchange(request, asked).pipe(
      // A defect of the HTTP client. Its message may contain what was sent.
      Effect.catchDefect((defect) => Effect.fail(toError(NoAnswer.broken(asked, defect)))),
      Effect.timeoutOrElse({
        duration: timeout,
        orElse: () => Effect.fail(toError(NoAnswer.timedOut(asked, Duration.format(timeout))))
      }),
      Effect.withSpan("TokenEndpoint.acquire", {
        root: true,
        attributes: {
          "spotnana.environment": environment.name,
          "spotnana.client_id": clientId,
          "url.full": address
        }
      }, { captureStackTrace: false })
    )
  }

  #exchange(
    request: HttpClientRequest.HttpClientRequest,
    about: Pick<Answer, "address" | "clientId" | "secrets">
  ): Effect.Effect<AccessToken, TokenEndpointError> {
    const toFailure = noAnswer(about)
    const { maxBodySize = defaultMaxBodySize, translate } = this.#options
    return Effect.gen({ self: this }, function*() {
      const issuedAt = yield* DateTime.now
      const response = yield* Effect.mapError(sendTo(about.address, this.#client, request), toFailure)
      const body = yield* Effect.mapError(readBody(response, maxBodySize), toFailure)
      return yield* readToken({
        ...about,
        status: response.status,
        headers: response.headers,
        body,
        maxBodySize,
        translate,
        defaultLifetime: Duration.toMillis(this.environment.defaultLifetime),
        now: yield* Clock.currentTimeMillis
      }, issuedAt)
    })
  }
}

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
 * requests would do so with token requests too. With a client that sets
 * `TracerDisabledWhen` or `DisablePropagation` itself, the request fails: set these
 * around the calls. A client that is not made by `HttpClient.make`, and a browser's
 * XMLHttpRequest, may follow redirects without being noticed.
 *
 * @see {@link makeWith} for a server that does not follow RFC 6749
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options = {}
): Effect.Effect<TokenEndpoint["Service"], never, HttpClient.HttpClient> =>
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
