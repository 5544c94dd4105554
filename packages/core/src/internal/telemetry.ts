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

/** What the lifecycle of a token tells the outside: logs and metrics, without secrets. */
export interface Telemetry {
  readonly acquired: (
    token: AccessToken.AccessToken,
    client: ClientCredentials | undefined,
    was: { readonly renewed: boolean; readonly recovered: boolean; readonly isFromStore: boolean }
  ) => Effect.Effect<void>
  readonly failed: (
    error: AuthError,
    client: ClientCredentials | undefined,
    was: { readonly valid: boolean; readonly retryAfter: Duration.Duration }
  ) => Effect.Effect<void>
  readonly rejected: Effect.Effect<void>
  readonly doubted: Effect.Effect<void>
  /** Reports the seconds left, read at export time, until the returned function is called. */
  readonly report: (secondsLeft: () => number) => () => void
}

/** Telemetry of one provider; its series and log lines are told apart by environment and client id. */
export const makeTelemetry = (environment: Environment, context: Context.Context<never>): Telemetry => {
  const labels = (client: ClientCredentials | undefined) => ({
    environment: environment.name,
    client_id: client?.clientId ?? "unknown"
  })
  const count = (
    metric: Metric.Counter<number>,
    client: ClientCredentials | undefined,
    attributes?: Readonly<Record<string, string>>
  ) => Metric.update(Metric.withAttributes(metric, { ...labels(client), ...attributes }), 1)
  let lastClient: ClientCredentials | undefined
  let series: Metric.Registration | undefined
  let secondsLeft = () => 0

  return {
    acquired: (token, client, { isFromStore, recovered, renewed }) => {
      lastClient = client
      // Anew each time: a provider of the same client id may have taken the series, and taken it away.
      series?.remove()
      series = Metric.registerUnsafe(
        Metric.withAttributes(metrics.lifetimeLeft, labels(client)),
        context,
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
        count(metrics.acquisitions, client, { outcome: isFromStore ? "shared" : "success" }),
        renewed ? count(metrics.renewals, client) : Effect.void,
        (recovered ? Effect.logInfo(message) : Effect.logDebug(message)).pipe(
          Effect.annotateLogs({
            ...labels(client),
            expires_at: DateTime.formatIso(token.expiresAt),
            lifetime: Duration.format(AccessToken.lifetime(token))
          })
        )
      ], { discard: true })
    },
    failed: (error, client, { retryAfter, valid }) =>
      Effect.all([
        count(metrics.acquisitions, client, { outcome: error._tag }),
        (error._tag === "InvalidCredentials" ? Effect.logError : Effect.logWarning)(
          valid
            ? "Spotnana access token not renewed; the current one stays in use"
            : "Spotnana access token not acquired"
        ).pipe(
          Effect.annotateLogs({
            ...labels(client),
            error: error._tag,
            reason: error.message,
            retry_after: Duration.format(retryAfter),
            ...(error.debugIdentifier === undefined ? undefined : { debug_identifier: error.debugIdentifier })
          })
        )
      ], { discard: true }),
    rejected: Effect.suspend(() =>
      Effect.all([
        count(metrics.rejections, lastClient),
        Effect.annotateLogs(
          Effect.logWarning("Spotnana rejected an access token before it expired; it is replaced"),
          labels(lastClient)
        )
      ], { discard: true })
    ),
    doubted: Effect.suspend(() =>
      Effect.annotateLogs(
        Effect.logWarning("Spotnana rejects one new access token after another; the current one stays in use"),
        labels(lastClient)
      )
    ),
    report: (f) => {
      secondsLeft = f
      return () => series?.remove()
    }
  }
}
