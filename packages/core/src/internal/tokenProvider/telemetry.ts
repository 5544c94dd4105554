import type * as State from "@effect-spotnana/engine/State"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as LogLevel from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as AccessToken from "../../AccessToken.ts"
import type { AuthError } from "../../AuthError.ts"
import type { ClientCredentials } from "../../Credentials.ts"
import type { Environment } from "../../Environment.ts"
import { instantOf } from "../instant.ts"
import * as metrics from "./metrics.ts"
import { seriesInUse } from "./series.ts"
import type { SeriesInUse } from "./series.ts"

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

/** Logs and metrics of one provider, without secrets. Providers are told apart by environment and client id. */
export class Telemetry {
  readonly #environment: Environment
  readonly #context: Context.Context<never>
  readonly #secondsLeft: () => number
  readonly #inUse: SeriesInUse
  /** The client id that everything is about; none before the first acquisition. */
  #client: string | undefined
  #isUnknownUsed = false
  #isClosed = false
  #gauge: Metric.Registration | undefined

  /** `secondsLeft` is read whenever metrics are exported, until `close`. */
  constructor(environment: Environment, context: Context.Context<never>, secondsLeft: () => number) {
    this.#environment = environment
    this.#context = context
    this.#secondsLeft = secondsLeft
    this.#inUse = seriesInUse(context)
    this.#inUse.retain({ environment: environment.name })
  }

  /** From now on everything is about this client. */
  set client({ clientId }: ClientCredentials) {
    if (this.#isClosed || this.#client === clientId) return
    this.#inUse.retain(this.#labelsOf(clientId))
    if (this.#client !== undefined) this.#inUse.release(this.#labelsOf(this.#client), this.#now)
    this.#client = clientId
  }

  report(report: Report): Effect.Effect<void> {
    if (this.#isClosed) return Effect.void
    this.#inUse.sweep(this.#now)
    switch (report._tag) {
      case "TokenAcquired":
        return this.#acquired(report, this.#labels)
      case "AcquisitionFailed":
        // Nobody knows for which client a source that fails would have had credentials.
        return this.#failed(report, isOfSource(report.error) ? this.#unknown : this.#labels)
      case "TokenRejected": {
        const labels = this.#labels
        this.#count(metrics.rejections, labels)
        // With refused credentials one request after the other may be rejected: the refusal is in the log.
        return report.isRefused
          ? Effect.void
          : Effect.annotateLogs(Effect.logWarning("Spotnana rejected an access token before it expired"), { ...labels })
      }
      case "ReplacementHeldBack": {
        const labels = this.#labels
        this.#count(metrics.rejections, labels)
        return report.isFirst
          ? Effect.annotateLogs(
            Effect.logWarning("Spotnana rejects one new access token after another; the current one stays in use"),
            { ...labels, retry_after: Duration.format(Duration.millis(report.retryAfter)) }
          )
          : Effect.void
      }
    }
  }

  /** Ends the report of the seconds left, and gives the counters free. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#gauge?.remove()
    const now = this.#now
    this.#inUse.release({ environment: this.#environment.name }, now)
    if (this.#client !== undefined) this.#inUse.release(this.#labelsOf(this.#client), now)
    if (this.#isUnknownUsed) this.#inUse.release(this.#labelsOf(unknown), now)
    this.#inUse.sweep(now)
  }

  get #now(): number {
    return instantOf(Context.get(this.#context, Clock.Clock)).mono
  }
  get #labels(): Labels {
    return this.#client === undefined ? this.#unknown : this.#labelsOf(this.#client)
  }
  get #unknown(): Labels {
    const labels = this.#labelsOf(unknown)
    if (!this.#isUnknownUsed) this.#inUse.retain(labels)
    this.#isUnknownUsed = true
    return labels
  }
  #labelsOf(client: string): Labels {
    return { environment: this.#environment.name, client_id: client }
  }

  /** Counts in the registry of the provider, whoever's fiber this is. */
  #count(metric: Metric.Counter<number>, labels: Labels, attributes?: Readonly<Record<string, string>>): void {
    Metric.withAttributes(metric, { ...labels, ...attributes }).updateUnsafe(1, this.#context)
  }

  #acquired(report: Report & { readonly _tag: "TokenAcquired" }, labels: Labels): Effect.Effect<void> {
    const { isRecovery, isRenewal, isSame, isShared, token } = report
    // Registered anew each time: another provider of the same client id may have replaced the series, and removed it.
    this.#gauge?.remove()
    this.#gauge = Metric.registerUnsafe(
      Metric.withAttributes(metrics.lifetimeLeft, { ...labels }),
      this.#context,
      {
        get: () => {
          this.#inUse.sweep(this.#now)
          return { value: this.#secondsLeft() }
        },
        update: () => {},
        modify: () => {}
      }
    )
    this.#count(metrics.acquisitions, labels, { outcome: isShared ? "shared" : "success" })
    if (isRenewal && !isSame) this.#count(metrics.renewals, labels)
    const message = isShared
      ? "Spotnana access token taken over from another process"
      : isRecovery
      ? "Spotnana access token acquired after failures"
      : isSame
      ? "Spotnana handed out the same access token once more"
      : isRenewal
      ? "Spotnana access token renewed"
      : "Spotnana access token acquired"
    const level = isRecovery ? "Info" : "Debug"
    // The first date that a process formats costs it megabytes, so that no date is formatted for a line that nobody sees.
    return Effect.flatMap(LogLevel.isEnabled(level), (isEnabled) =>
      isEnabled
        ? Effect.annotateLogs(Effect.logWithLevel(level)(message), {
          ...labels,
          expires_at: DateTime.formatIso(token.expiresAt),
          lifetime: Duration.format(AccessToken.lifetime(token))
        })
        : Effect.void)
  }

  #failed(
    { error, isLive, retryAfter }: Report & { readonly _tag: "AcquisitionFailed" },
    labels: Labels
  ): Effect.Effect<void> {
    this.#count(metrics.acquisitions, labels, { outcome: error._tag })
    return (error._tag === "InvalidCredentials" ? Effect.logError : Effect.logWarning)(
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
  }
}
