import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as AccessToken from "../AccessToken.ts"
import type { AuthError } from "../AuthError.ts"
import type { ClientCredentials } from "../Credentials.ts"
import type { Environment } from "../Environment.ts"
import * as metrics from "./metrics.ts"

/** Who a series or a log line is about. */
interface Labels {
  readonly environment: string
  readonly client_id: string
}

const count = (
  metric: Metric.Counter<number>,
  labels: Labels,
  attributes?: Readonly<Record<string, string>>
): Effect.Effect<void> => Metric.update(Metric.withAttributes(metric, { ...labels, ...attributes }), 1)

/**
 * What the lifecycle of a token tells the outside: logs and metrics, without secrets. Providers are told apart by
 * environment and client id.
 */
export class Telemetry {
  readonly #environment: Environment
  readonly #context: Context.Context<never>
  #lastClient: ClientCredentials | undefined
  #series: Metric.Registration | undefined

  constructor(environment: Environment, context: Context.Context<never>) {
    this.#environment = environment
    this.#context = context
  }

  #labels(client: ClientCredentials | undefined): Labels {
    return { environment: this.#environment.name, client_id: client?.clientId ?? "unknown" }
  }

  /** `secondsLeft` is read whenever metrics are exported, until `close`. */
  acquired(token: AccessToken.AccessToken, client: ClientCredentials | undefined, was: {
    readonly renewed: boolean
    readonly recovered: boolean
    readonly isFromStore: boolean
  }, secondsLeft: () => number): Effect.Effect<void> {
    const { isFromStore, recovered, renewed } = was
    const labels = this.#labels(client)
    this.#lastClient = client
    // Anew each time: a provider of the same client id may have taken the series, and taken it away.
    this.close()
    this.#series = Metric.registerUnsafe(
      Metric.withAttributes(metrics.lifetimeLeft, { ...labels }),
      this.#context,
      { get: () => ({ value: secondsLeft() }), update: () => {}, modify: () => {} }
    )
    const message = isFromStore
      ? "Spotnana access token taken over from another process"
      : recovered
      ? "Spotnana access token acquired after failures"
      : renewed
      ? "Spotnana access token renewed"
      : "Spotnana access token acquired"
    return Effect.all([
      count(metrics.acquisitions, labels, { outcome: isFromStore ? "shared" : "success" }),
      renewed ? count(metrics.renewals, labels) : Effect.void,
      (recovered ? Effect.logInfo(message) : Effect.logDebug(message)).pipe(
        Effect.annotateLogs({
          ...labels,
          expires_at: DateTime.formatIso(token.expiresAt),
          lifetime: Duration.format(AccessToken.lifetime(token))
        })
      )
    ], { discard: true })
  }

  failed(error: AuthError, client: ClientCredentials | undefined, was: {
    readonly valid: boolean
    readonly retryAfter: Duration.Duration
  }): Effect.Effect<void> {
    const labels = this.#labels(client)
    return Effect.all([
      count(metrics.acquisitions, labels, { outcome: error._tag }),
      (error._tag === "InvalidCredentials" ? Effect.logError : Effect.logWarning)(
        was.valid
          ? "Spotnana access token not renewed; the current one stays in use"
          : "Spotnana access token not acquired"
      ).pipe(
        Effect.annotateLogs({
          ...labels,
          error: error._tag,
          reason: error.message,
          retry_after: Duration.format(was.retryAfter),
          ...(error.debugIdentifier === undefined ? undefined : { debug_identifier: error.debugIdentifier })
        })
      )
    ], { discard: true })
  }

  rejected(): Effect.Effect<void> {
    const labels = this.#labels(this.#lastClient)
    return Effect.all([
      count(metrics.rejections, labels),
      Effect.annotateLogs(
        Effect.logWarning("Spotnana rejected an access token before it expired; it is replaced"),
        { ...labels }
      )
    ], { discard: true })
  }

  doubted(): Effect.Effect<void> {
    return Effect.annotateLogs(
      Effect.logWarning("Spotnana rejects one new access token after another; the current one stays in use"),
      { ...this.#labels(this.#lastClient) }
    )
  }

  /** Ends the report of the seconds left. */
  close(): void {
    this.#series?.remove()
  }
}
