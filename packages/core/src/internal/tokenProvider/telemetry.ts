import type * as State from "@effect-spotnana/engine/State"
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as AccessToken from "../../AccessToken.ts"
import type { AuthError } from "../../AuthError.ts"
import type { ClientCredentials } from "../../Credentials.ts"
import type { Environment } from "../../Environment.ts"
import * as metrics from "./metrics.ts"

type Report = State.Report<AccessToken.AccessToken, AuthError>

/** The labels of a series, and the annotations of a log line. */
interface Labels {
  readonly environment: string
  readonly client_id: string
}

/** The client id where there are no credentials. */
const unknown = "unknown"

const isOfSource = (error: AuthError): boolean =>
  error._tag === "TokenEndpointUnavailable" && error.reason === "CredentialsSource"

const count = (
  metric: Metric.Counter<number>,
  labels: Labels,
  attributes?: Readonly<Record<string, string>>
): Effect.Effect<void> => Metric.update(Metric.withAttributes(metric, { ...labels, ...attributes }), 1)

/** Logs and metrics of one provider, without secrets. Providers are told apart by environment and client id. */
export class Telemetry {
  readonly #environment: Environment
  readonly #context: Context.Context<never>
  readonly #secondsLeft: () => number
  #client: ClientCredentials | undefined
  #series: Metric.Registration | undefined

  /** `secondsLeft` is read whenever metrics are exported, until `close`. */
  constructor(environment: Environment, context: Context.Context<never>, secondsLeft: () => number) {
    this.#environment = environment
    this.#context = context
    this.#secondsLeft = secondsLeft
  }

  /** From now on everything is about this client. */
  set client(client: ClientCredentials | undefined) {
    this.#client = client
  }

  report(report: Report): Effect.Effect<void> {
    const labels = { environment: this.#environment.name, client_id: this.#client?.clientId ?? unknown }
    switch (report._tag) {
      case "TokenAcquired":
        return this.#acquired(report, labels)
      case "AcquisitionFailed":
        // Nobody knows for which client a source that fails would have had credentials.
        return failed(report, isOfSource(report.error) ? { ...labels, client_id: unknown } : labels)
      case "TokenRejected":
        return Effect.andThen(
          count(metrics.rejections, labels),
          // With refused credentials one request after the other may be rejected: the refusal is in the log.
          report.isRefused
            ? Effect.void
            : Effect.annotateLogs(Effect.logWarning("Spotnana rejected an access token before it expired"), {
              ...labels
            })
        )
      case "ReplacementHeldBack":
        return Effect.andThen(
          count(metrics.rejections, labels),
          report.isFirst
            ? Effect.annotateLogs(
              Effect.logWarning("Spotnana rejects one new access token after another; the current one stays in use"),
              { ...labels, retry_after: Duration.format(Duration.millis(report.retryAfter)) }
            )
            : Effect.void
        )
    }
  }

  #acquired(report: Report & { readonly _tag: "TokenAcquired" }, labels: Labels): Effect.Effect<void> {
    const { isRecovery, isRenewal, isSame, isShared, token } = report
    // Registered anew each time: another provider of the same client id may have replaced the series, and removed it.
    this.close()
    this.#series = Metric.registerUnsafe(
      Metric.withAttributes(metrics.lifetimeLeft, { ...labels }),
      this.#context,
      { get: () => ({ value: this.#secondsLeft() }), update: () => {}, modify: () => {} }
    )
    const message = isShared
      ? "Spotnana access token taken over from another process"
      : isRecovery
      ? "Spotnana access token acquired after failures"
      : isSame
      ? "Spotnana handed out the same access token once more"
      : isRenewal
      ? "Spotnana access token renewed"
      : "Spotnana access token acquired"
    return Effect.all([
      count(metrics.acquisitions, labels, { outcome: isShared ? "shared" : isSame ? "unchanged" : "success" }),
      isRenewal && !isSame ? count(metrics.renewals, labels) : Effect.void,
      (isRecovery ? Effect.logInfo(message) : Effect.logDebug(message)).pipe(
        Effect.annotateLogs({
          ...labels,
          expires_at: DateTime.formatIso(token.expiresAt),
          lifetime: Duration.format(AccessToken.lifetime(token))
        })
      )
    ], { discard: true })
  }

  /** Ends the report of the seconds left. */
  close(): void {
    this.#series?.remove()
  }
}

const failed = (
  { error, isLive, retryAfter }: Report & { readonly _tag: "AcquisitionFailed" },
  labels: Labels
): Effect.Effect<void> =>
  Effect.all([
    count(metrics.acquisitions, labels, { outcome: error._tag }),
    (error._tag === "InvalidCredentials" ? Effect.logError : Effect.logWarning)(
      isLive ? "Spotnana access token not renewed; the current one stays in use" : "Spotnana access token not acquired"
    ).pipe(
      Effect.annotateLogs({
        ...labels,
        error: error._tag,
        reason: error.message,
        retry_after: Duration.format(Duration.millis(retryAfter)),
        ...(error.debugIdentifier === undefined ? undefined : { debug_identifier: error.debugIdentifier })
      })
    )
  ], { discard: true })
