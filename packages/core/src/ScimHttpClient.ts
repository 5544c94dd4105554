/**
 * The `HttpClient` for Spotnana's SCIM API, whose token never changes.
 *
 * The SCIM API (`/v2/scim/…`) does not accept an access token. It needs the token of
 * a SCIM API user: `ApiUsers.createScimToken` makes one.
 *
 * @since 0.1.0
 */
import * as ErrorBody from "@effect-spotnana/engine/ErrorBody"
import { checked } from "@effect-spotnana/engine/Options"
import { credentialProblem } from "@effect-spotnana/engine/Text"
import * as Url from "@effect-spotnana/engine/Url"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { HttpClientError, HttpClientResponse } from "effect/http"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Environment from "./Environment.ts"
import { readErrorBody } from "./internal/http/body.ts"
import { withConstantBearer } from "./internal/httpClient/constantBearer.ts"
import { wasRedirected } from "./internal/httpClient/redirects.ts"
import { optionalVariable, variableError, withFullNames } from "./internal/variables.ts"

/**
 * The API answered 401 to the SCIM token.
 *
 * **Details**
 *
 * If `reason` is `Revoked`, the token was revoked with its API user, or belongs
 * to another environment. A retry does not help: make another token with
 * `ApiUsers.createScimToken`. If `reason` is `Redirected`, the platform followed
 * a redirect, which may have removed the token from the request.
 *
 * @category errors
 * @since 0.1.0
 */
export class ScimTokenRejected extends Schema.TaggedError<ScimTokenRejected>()("ScimTokenRejected", {
  /** What happened and what to do. */
  message: Schema.String,
  /** Whether the answer is about the token, or about a redirect. */
  reason: Schema.Literals(["Revoked", "Redirected"]),
  /** The correlation id that Spotnana's support can use. */
  debugIdentifier: Schema.optional(Schema.String)
}) {}

/**
 * The client of the SCIM API, with this library's error in its error channel.
 *
 * **Details**
 *
 * - A relative URL goes to the environment. A request for an origin that is not
 *   one of the environment's is sent without the token. A request to which a
 *   redirect of another origin has led is sent without the token too.
 * - An `Authorization` header of the caller's own is not replaced, and the caller
 *   gets the 401 to such a request.
 * - The request inside a response or an error does not contain the token.
 *
 * **Gotchas**
 *
 * The token is only for `/v2/scim/…`: Spotnana answers 401 on other paths.
 *
 * **Example** (Listing users)
 *
 * ```ts
 * import { ScimHttpClient } from "@effect-spotnana/core"
 * import { Effect, Layer } from "effect"
 * import { FetchHttpClient } from "effect/http"
 *
 * const program = Effect.gen(function*() {
 *   const scim = yield* ScimHttpClient.ScimHttpClient
 *   const response = yield* scim.get("/v2/scim/Users")
 *   return yield* response.json
 * })
 *
 * const Scim = ScimHttpClient.layerConfig().pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const runnable = Effect.provide(program, Scim)
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export class ScimHttpClient extends Context.Service<
  ScimHttpClient,
  HttpClient.HttpClient.With<HttpClientError.HttpClientError | ScimTokenRejected>
>()("@effect-spotnana/core/ScimHttpClient") {}

/**
 * The token, and its environment.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** The token that `ApiUsers.createScimToken` returned. */
  readonly token: Redacted.Redacted
  /** Where the SCIM API is. Default: `Environment.production`. */
  readonly environment?: Environment.Environment | undefined
}

/**
 * Authenticates a client that you already have with a SCIM token.
 *
 * **Details**
 *
 * Throws a `TypeError` for a token that no server can accept: one that is empty, has a line break at its end or a
 * character outside printable ASCII. Throws a `RangeError` for a value that is no `Environment`, such as a name.
 *
 * @category combinators
 * @since 0.1.0
 */
export const authenticate = (
  { environment = Environment.production, token }: Options
): <E, R>(client: HttpClient.HttpClient.With<E, R>) => HttpClient.HttpClient.With<E | ScimTokenRejected, R> => {
  const isEnvironment = Predicate.hasProperty(environment, "origins")
  checked("ScimHttpClient.environment", environment, isEnvironment, "an Environment")
  const problem = tokenProblem(token)
  if (problem !== undefined) throw new TypeError(`ScimHttpClient.token cannot be used: ${problem}`)
  return withConstantBearer(environment, token, (response) => rejected(token, response))
}

const tokenProblem = (token: Redacted.Redacted): string | undefined =>
  Redacted.isRedacted(token) ? credentialProblem("token", Redacted.value(token)) : "the token is not Redacted"

const rejected = /* #__PURE__ */ Effect.fnUntraced(function*(
  token: Redacted.Redacted,
  response: HttpClientResponse.HttpClientResponse
) {
  const { code, debugIdentifier, description } = ErrorBody.parse(yield* readErrorBody(response), [
    Redacted.value(token)
  ])
  const said = description ?? code
  const isRedirected = wasRedirected(response)
  return yield* new ScimTokenRejected({
    reason: isRedirected ? "Redirected" : "Revoked",
    debugIdentifier,
    message: `${response.request.method} ${Url.shownPath(response.request.url)} answered ${response.status}${
      said === undefined ? "" : ` (${said})`
    }${
      isRedirected
        ? " after a redirect, which may have removed the SCIM token. Request the last address directly."
        : ": the SCIM token was revoked, or belongs to another environment. Make another one with " +
          "ApiUsers.createScimToken; it is only for /v2/scim."
    }`
  })
})

/**
 * The client, with a token from a value.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<ScimHttpClient, never, HttpClient.HttpClient> =>
  Layer.effect(ScimHttpClient, Effect.map(HttpClient.HttpClient, (client) => authenticate(options)(client)))

/**
 * Reads `SPOTNANA_SCIM_TOKEN`.
 *
 * **Details**
 *
 * Fails with a `ConfigError` that says what was expected, and never prints the token.
 *
 * @category config
 * @since 0.1.0
 */
export const token: Config.Config<Redacted.Redacted> = /* #__PURE__ */ withFullNames(/* #__PURE__ */ Config.mapEffect(
  /* #__PURE__ */ optionalVariable("SPOTNANA_SCIM_TOKEN"),
  (value) => {
    if (value === undefined) {
      return Effect.fail(variableError("SPOTNANA_SCIM_TOKEN is not set; expected the token of a SCIM API user"))
    }
    const token = Redacted.make(value, { label: "scimToken" })
    const problem = tokenProblem(token)
    return problem === undefined
      ? Effect.succeed(token)
      : Effect.fail(variableError(`SPOTNANA_SCIM_TOKEN cannot be used: ${problem}`))
  }
))

/**
 * The client from configuration: `SPOTNANA_SCIM_TOKEN`, and
 * `SPOTNANA_ENVIRONMENT` and `SPOTNANA_BASE_URL`, as in `Environment.config`.
 * They are read when the layer is built.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options?: {
    /** Where the SCIM API is, in place of the variables. */
    readonly environment?: Environment.Environment | undefined
  }
): Layer.Layer<ScimHttpClient, Config.ConfigError, HttpClient.HttpClient> =>
  Layer.effect(
    ScimHttpClient,
    Effect.gen(function*() {
      const environment = options?.environment ?? (yield* Environment.config)
      return authenticate({ token: yield* token, environment })(yield* HttpClient.HttpClient)
    })
  )
