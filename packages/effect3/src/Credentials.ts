/**
 * Where the client id and the client secret come from.
 *
 * `current` is read at every acquisition, so a rotated secret is used without a
 * restart.
 *
 * @since 0.1.0
 */
import { credentialProblem } from "@effect-spotnana/engine/Text"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Equal from "effect/Equal"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { currentConfig } from "./internal/currentConfig.ts"
import { checkedConfig, optionalVariable } from "./internal/variables.ts"

/**
 * The credentials of one API user (RFC 6749 §2.3.1).
 *
 * @category models
 * @since 0.1.0
 */
export interface ClientCredentials {
  /** Identifies the API user. It is not a secret: it appears in logs and metrics. */
  readonly clientId: string
  /** The secret of the API user. It is sent only to the token endpoint. */
  readonly clientSecret: Redacted.Redacted
}

/**
 * The source of the credentials.
 *
 * **When to use**
 *
 * Provide your own if the secret is in a vault or is rotated while the program runs.
 * Use {@link layer} or {@link layerConfig} otherwise.
 *
 * **Details**
 *
 * `current` may fail with any error. Callers without a token then get
 * `TokenEndpointUnavailable` with the reason `CredentialsSource`, and `current`
 * is read again with backoff.
 *
 * **Gotchas**
 *
 * Callers see the message of its error: keep secrets out of it. While the
 * credentials are refused, every call without a token and every call whose token
 * was rejected reads `current`, to find out whether the credentials have changed.
 * If reading is expensive, use `Effect.cachedWithTTL`.
 *
 * **Example** (Credentials from a vault)
 *
 * ```ts
 * import { Credentials } from "@effect-spotnana/effect3"
 * import { Effect, Layer, Redacted } from "effect"
 *
 * declare const readVault: (path: string) => Effect.Effect<{ clientId: string; clientSecret: string }, Error>
 *
 * const VaultCredentials = Layer.succeed(Credentials.Credentials, {
 *   // Id and secret in one entry: read apart from each other, the two may not belong together.
 *   current: Effect.map(readVault("spotnana"), ({ clientId, clientSecret }) => ({
 *     clientId,
 *     clientSecret: Redacted.make(clientSecret)
 *   }))
 * })
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export class Credentials extends Context.Tag("@effect-spotnana/effect3/Credentials")<Credentials, {
  /** The current credentials, read at every acquisition. */
  readonly current: Effect.Effect<ClientCredentials, unknown>
}>() {}

/**
 * Tells whether two credentials are the same, including the secret.
 *
 * @category equivalence
 * @since 0.1.0
 */
export const equals = (self: ClientCredentials, that: ClientCredentials): boolean =>
  self.clientId === that.clientId && Equal.equals(self.clientSecret, that.clientSecret)

/**
 * Says why no server can accept these credentials. `undefined` if they can be
 * used.
 *
 * **Details**
 *
 * Id and secret must not be empty, and must consist of printable ASCII (RFC 6749
 * §A.1, §A.2). The usual mistakes are a line break at the end, which files and
 * vaults add, and quotes around the value, which `docker run --env-file` keeps.
 *
 * @category validation
 * @since 0.1.0
 */
export const problem = (credentials: ClientCredentials): string | undefined =>
  credentialProblem("client id", credentials.clientId) ??
    (Redacted.isRedacted(credentials.clientSecret)
      ? credentialProblem("client secret", Redacted.value(credentials.clientSecret))
      : "the client secret is not Redacted")

/**
 * Credentials that never change.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (credentials: ClientCredentials): Layer.Layer<Credentials> =>
  Layer.succeed(Credentials, { current: Effect.succeed(credentials) })

/**
 * Reads `SPOTNANA_CLIENT_ID` and `SPOTNANA_CLIENT_SECRET`.
 *
 * **Details**
 *
 * Fails with a `ConfigError` that names each variable that is missing or cannot
 * be used, says what was expected, and never prints a value. For several tenants,
 * nest it: `Config.nested(Credentials.config, "ACME")` reads
 * `ACME_SPOTNANA_CLIENT_ID` and `ACME_SPOTNANA_CLIENT_SECRET`, and its errors use
 * these names.
 *
 * @category config
 * @since 0.1.0
 */
export const config: Config.Config<ClientCredentials> = /* #__PURE__ */ checkedConfig(
  Config.all({
    clientId: optionalVariable("SPOTNANA_CLIENT_ID"),
    clientSecret: optionalVariable("SPOTNANA_CLIENT_SECRET")
  }),
  ({ clientId, clientSecret }) => {
    const mistakes = [
      mistake("SPOTNANA_CLIENT_ID", "client id", clientId),
      mistake("SPOTNANA_CLIENT_SECRET", "client secret", clientSecret)
    ].filter((text) => text !== undefined)
    return clientId === undefined || clientSecret === undefined || mistakes.length > 0
      ? Either.left(mistakes.join(". "))
      : Either.right({ clientId, clientSecret: Redacted.make(clientSecret) })
  }
)

const mistake = (variable: string, what: string, value: string | undefined): string | undefined => {
  if (value === undefined) return `${variable} is not set; expected the ${what} of a Spotnana API user`
  const wrong = credentialProblem(what, value)
  return wrong === undefined ? undefined : `${variable} cannot be used: ${wrong}`
}

/**
 * Credentials from configuration. They are read when the layer is built, so that
 * a mistake shows at start-up, and again at every acquisition, so that changed
 * values are used without a restart.
 *
 * **Details**
 *
 * Without an argument, it reads the variables of {@link config}.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  credentials: Config.Config<ClientCredentials> = config
): Layer.Layer<Credentials, ConfigError.ConfigError> => Layer.effect(Credentials, currentConfig(credentials))
