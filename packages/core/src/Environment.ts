/**
 * Where the API and its token endpoint are.
 *
 * Everything that is specific to Spotnana is a value in this module. So another
 * OAuth 2.0 server with the client-credentials grant needs only configuration if it
 * follows RFC 6749. `docs/odd-servers.md` is about servers that do not.
 *
 * @since 0.1.0
 */
import * as Challenge from "@effect-spotnana/engine/Challenge"
import { addresses, tokenPath } from "@effect-spotnana/engine/Environment"
import * as Config from "effect/Config"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Headers } from "effect/http"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { maximumLifetime } from "./AccessToken.ts"
import { optionalVariable, variableError, withFullNames } from "./internal/variables.ts"

const TypeId = "~@effect-spotnana/core/Environment"

/**
 * One API and its token endpoint. A token is valid for one environment.
 *
 * **Details**
 *
 * {@link production} and {@link sandbox} are Spotnana's own. {@link make} makes
 * any other, and checks it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Environment {
  readonly [TypeId]: typeof TypeId
  /** A name for logs and metrics: `production`, `sandbox` or the API's host. */
  readonly name: string
  /** What relative URLs are appended to. No trailing slash. */
  readonly baseUrl: string
  /** The origin of `baseUrl`: scheme, host and port. */
  readonly origin: string
  /** The only origins that the token is sent to: `origin`, and the further `origins` of {@link Options}. */
  readonly origins: ReadonlyArray<string>
  /** The token endpoint, absolute. */
  readonly tokenUrl: string
  /** The lifetime of a token whose answer has no `expires_in`. */
  readonly defaultLifetime: Duration.Duration
  /** Whether an answer of the API says that the token is not valid. */
  readonly rejectsToken: (answer: Answer) => boolean
}

/**
 * An answer of the API without its body, which the caller reads.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer {
  readonly status: number
  /** With names in lower case. */
  readonly headers: Headers.Headers
}

/**
 * Whether an answer rejects the token (RFC 6750 §3.1): a 401, unless its
 * `WWW-Authenticate` says that the scope or the request is wrong.
 *
 * **When to use**
 *
 * It is the default `rejectsToken` of {@link Options}. Call it in your own
 * `rejectsToken` to extend it.
 *
 * @category predicates
 * @since 0.1.0
 */
// The status comes first, because a response reads its headers again at every access.
export const rejectsToken = (answer: Answer): boolean =>
  answer.status === 401 && Challenge.rejectsToken(answer.headers["www-authenticate"])

/**
 * An environment that cannot be used.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidEnvironment extends /* #__PURE__ */ Data.TaggedError("InvalidEnvironment")<{
  /** Which option is wrong. */
  readonly option: "baseUrl" | "tokenUrl" | "origins" | "defaultLifetime"
  /** What is wrong with it and what was expected. */
  readonly problem: string
}> {
  /** The option and its problem in one sentence. */
  override get message(): string {
    return `${this.option} cannot be used: ${this.problem}`
  }
}

/**
 * Options of {@link make}.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** The API's base URL: HTTPS, or HTTP on `localhost`, `127.0.0.1` or `[::1]`. */
  readonly baseUrl: string | URL
  /** The token endpoint: absolute, or a path on `baseUrl`. Default: `/v2/auth/oauth2-token`. */
  readonly tokenUrl?: string | URL | undefined
  /**
   * Further origins of the same API, to which the token is also sent: scheme, host and port of each, without a path.
   * HTTPS, or HTTP on a loopback address. Requests to them need absolute URLs. Default: none.
   */
  readonly origins?: ReadonlyArray<string | URL> | undefined
  /** A name for logs and metrics. Default: the API's host. */
  readonly name?: string | undefined
  /**
   * The lifetime of a token whose answer has no `expires_in`: from 1 second to 24 hours. Default: one hour, as in all
   * of Spotnana's samples.
   */
  readonly defaultLifetime?: Duration.Input | undefined
  /**
   * Tells whether an answer of the API says that the token is not valid. Such an answer is handled like a 401
   * for the token: see the table in `docs/errors.md`. Default: {@link rejectsToken}, which your function replaces. The
   * caller never gets such an answer as a response, so match as few answers as the API allows.
   */
  readonly rejectsToken?: ((answer: Answer) => boolean) | undefined
}

/**
 * Makes an environment for a regional host, a gateway, a test server, or any
 * other OAuth 2.0 server.
 *
 * **Details**
 *
 * It refuses an address that is not HTTPS (except `localhost`, `127.0.0.1` and
 * `[::1]`), user names and passwords in the URL, and Spotnana's deprecated
 * `/get-auth-token`.
 *
 * **Example** (An OAuth 2.0 server other than Spotnana's)
 *
 * ```ts
 * import { Environment } from "@effect-spotnana/core"
 *
 * const acme = Environment.make({
 *   baseUrl: "https://api.acme.example/v1",
 *   tokenUrl: "https://login.acme.example/oauth/token"
 * })
 * ```
 *
 * **Example** (One API on two hosts, which answers 403 for an invalid token)
 *
 * ```ts
 * import { Environment } from "@effect-spotnana/core"
 *
 * const acme = Environment.make({
 *   baseUrl: "https://api.acme.example",
 *   origins: ["https://reports.acme.example"],
 *   rejectsToken: (answer) =>
 *     Environment.rejectsToken(answer) || answer.status === 403 && answer.headers["x-error"] === "Bad_OAuth_Token"
 * })
 * ```
 *
 * @see {@link makeUnsafe} for an address that is known to be right
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Result.Result<Environment, InvalidEnvironment> => {
  const found = addresses(options)
  if ("problem" in found) return Result.fail(new InvalidEnvironment(found))
  const defaultLifetime = Option.getOrElse(Duration.fromInput(options.defaultLifetime ?? "1 hour"), () => Duration.zero)
  if (!Duration.between(defaultLifetime, { minimum: Duration.seconds(1), maximum: maximumLifetime })) {
    const problem = "expected a duration from 1 second to 24 hours"
    return Result.fail(new InvalidEnvironment({ option: "defaultLifetime", problem }))
  }
  const { host, ...urls } = found
  return Result.succeed({
    [TypeId]: TypeId,
    name: options.name ?? host,
    ...urls,
    defaultLifetime,
    rejectsToken: options.rejectsToken ?? rejectsToken
  })
}

/**
 * Makes an environment, or throws `InvalidEnvironment`.
 *
 * **When to use**
 *
 * Use for an address that is written in the program. Use {@link make} for one
 * that comes from outside.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeUnsafe = (options: Options): Environment => Result.getOrThrow(make(options))

// The same as `make` returns, but without its checks. So a program that uses only Spotnana's environments does not
// bundle them.
const ofSpotnana = (name: string, baseUrl: string): Environment => ({
  [TypeId]: TypeId,
  name,
  baseUrl,
  origin: baseUrl,
  origins: [baseUrl],
  tokenUrl: baseUrl + tokenPath,
  defaultLifetime: Duration.hours(1),
  rejectsToken
})

/**
 * Spotnana's production environment: `https://api.spotnana.com`.
 *
 * @category constants
 * @since 0.1.0
 */
export const production: Environment = /* #__PURE__ */ ofSpotnana("production", "https://api.spotnana.com")

/**
 * Spotnana's sandbox: `https://api-ext-sboxmeta.partners.spotnana.com`.
 *
 * @category constants
 * @since 0.1.0
 */
export const sandbox: Environment = /* #__PURE__ */ ofSpotnana(
  "sandbox",
  "https://api-ext-sboxmeta.partners.spotnana.com"
)

/**
 * Reads the environment: `SPOTNANA_ENVIRONMENT` is `production` (the default) or
 * `sandbox`; `SPOTNANA_BASE_URL` overrides its address.
 *
 * **Details**
 *
 * An empty variable counts as absent. Fails with a `ConfigError` that names the
 * variable and what was expected.
 *
 * @category config
 * @since 0.1.0
 */
// Every nested call is marked pure, so that bundlers remove all of it from a program that does not use it.
export const config: Config.Config<Environment> = /* #__PURE__ */ withFullNames(/* #__PURE__ */ Config.mapEffect(
  /* #__PURE__ */ Config.all({
    name: /* #__PURE__ */ optionalVariable("SPOTNANA_ENVIRONMENT"),
    baseUrl: /* #__PURE__ */ optionalVariable("SPOTNANA_BASE_URL")
  }),
  ({ baseUrl, name }) => {
    if (name !== undefined && name !== "production" && name !== "sandbox") {
      // The value is not shown: it may be a secret that is in the wrong variable.
      return Effect.fail(
        variableError("SPOTNANA_ENVIRONMENT must be exactly production or sandbox")
      )
    }
    if (baseUrl === undefined) return Effect.succeed(name === "sandbox" ? sandbox : production)
    return Effect.mapError(
      Effect.fromResult(make({ baseUrl, name })),
      ({ problem }) => variableError(`SPOTNANA_BASE_URL cannot be used: ${problem}`)
    )
  }
))
