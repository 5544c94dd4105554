import type * as State from "@effect-spotnana/engine/State"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { constVoid } from "effect/Function"
import * as LogLevel from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as AccessToken from "../../AccessToken.ts"
import type { ClientCredentials } from "../../Credentials.ts"
import type { Environment } from "../../Environment.ts"
import { instantOf } from "../instant.ts"
import type { UserAuthError } from "../tokenExchange/errors.ts"
import * as metrics from "./metrics.ts"
import { seriesInUse } from "./series.ts"
import type { Labels, SeriesInUse } from "./series.ts"

/** What is reported, also for a user's provider. */
export type TelemetryReport = State.Report<AccessToken.AccessToken, UserAuthError>

/** Something that has a token, and knows the seconds until it expires. */
interface TokenHolder {
  readonly secondsLeft: () => number
}

/** The client id if there are no credentials. */
const unknown = "unknown"

const isOfSource = (error: UserAuthError): boolean =>
  error._tag === "TokenEndpointUnavailable" && error.reason === "CredentialsSource"

const log = (
  level: LogLevel.Severity,
  message: string,
  annotations: Readonly<Record<string, string>>
): Effect.Effect<void> => Effect.annotateLogs(Effect.logWithLevel(level)(message), annotations)

/** Logs and metrics of one provider, without secrets. Providers are told apart by environment and client id. */
export class Telemetry {
  readonly #environment: Environment
  readonly #context: Context.Context<never>
  readonly #inUse: SeriesInUse
  /** The client id that logs and metrics are about. */
  #client = unknown
  /** The client ids for which it counts. */
  #used: ReadonlyArray<string> = []
  readonly #isAlone: boolean
  /** There is another provider for the client id, and that has not been logged yet. */
  #isDuplicate = false
  #gauge: Metric.Registration | undefined

  /**
   * `isAlone`: another provider for the same client id would request its own token, because there is no store and the
   * token is not a user's.
   */
  constructor(environment: Environment, context: Context.Context<never>, isAlone: boolean) {
    this.#isAlone = isAlone
    this.#environment = environment
    this.#context = context
    this.#inUse = seriesInUse(context)
  }

  /** From now on logs and metrics are about this client. */
  set client({ clientId }: ClientCredentials) {
    if (this.#client === clientId) return
    this.#release()
    this.#client = clientId
  }

  /** The seconds left of the token of `holder` are read whenever metrics are exported, until `close`. */
  report(report: TelemetryReport, holder: TokenHolder): Effect.Effect<void> {
    this.#inUse.sweep(this.#now)
    // If the source fails, the client id is not known.
    const isUnknown = report._tag === "AcquisitionFailed" && isOfSource(report.error)
    const labels = this.#labelsOf(isUnknown ? unknown : this.#client)
    switch (report._tag) {
      case "TokenAcquired":
        return Effect.andThen(this.#acquired(report, labels, holder), this.#duplicate(labels))
      case "AcquisitionFailed":
        return this.#failed(report, labels)
      case "TokenRejected":
        this.#count(metrics.rejections, labels)
        // While the credentials are refused, many requests may be rejected. The refusal is already in the log.
        return report.isRefused
          ? Effect.void
          : log("Warn", "Spotnana rejected an access token before it expired", labels)
      case "ReplacementHeldBack":
        this.#count(metrics.rejections, labels)
        return report.isFirst
          ? log("Warn", "Spotnana rejects one new access token after another; the current one stays in use", {
            ...labels,
            retry_after: Duration.format(Duration.millis(report.retryAfter))
          })
          : Effect.void
    }
  }

  /** Ends the report of the seconds left, and releases the counters. */
  close(): void {
    this.#gauge?.remove()
    this.#release()
    this.#inUse.sweep(this.#now)
  }

  get #now(): number {
    return instantOf(Context.get(this.#context, Clock.Clock)).mono
  }
  #labelsOf(client: string): { readonly environment: string; readonly client_id: string } {
    const labels = { environment: this.#environment.name, client_id: client }
    if (!this.#used.includes(client)) {
      this.#used = [...this.#used, client]
      this.#isDuplicate = this.#isAlone && client !== unknown && this.#inUse.hasAlone(labels)
      this.#inUse.change(labels, 1, this.#now, this.#isAlone)
    }
    return labels
  }
  #release(): void {
    const environment = this.#environment.name
    for (const client of this.#used) {
      this.#inUse.change({ environment, client_id: client }, -1, this.#now, this.#isAlone)
    }
    this.#used = []
  }

  /** Counts in the registry of the provider, in whatever fiber this runs. */
  #count(metric: Metric.Counter<number>, labels: Labels, attributes?: Readonly<Record<string, string>>): void {
    Metric.withAttributes(metric, { ...labels, ...attributes }).updateUnsafe(1, this.#context)
  }

  /** Reports the seconds left under these labels, from now on. */
  protected register(labels: Labels, holder: TokenHolder): void {
    // Registered again each time, because another provider of the same client id may have replaced the series and
    // removed it.
    this.#gauge?.remove()
    this.#gauge = Metric.registerUnsafe(
      Metric.withAttributes(metrics.lifetimeLeft, labels),
      this.#context,
      {
        get: () => {
          this.#inUse.sweep(this.#now)
          return { value: holder.secondsLeft() }
        },
        update: constVoid,
        modify: constVoid
      }
    )
  }

  #acquired(
    report: TelemetryReport & { readonly _tag: "TokenAcquired" },
    labels: Labels,
    holder: TokenHolder
  ): Effect.Effect<void> {
    const { isRecovery, isRenewal, isSame, isShared, token } = report
    this.register(labels, holder)
    this.#count(metrics.acquisitions, labels, { outcome: isShared ? "shared" : isSame ? "unchanged" : "success" })
    if (isRenewal && !isSame) this.#count(metrics.renewals, labels)
    const message = isShared
      ? "Spotnana access token taken over from another process"
      : isRecovery
      ? "Spotnana access token acquired after failures"
      : isSame
      ? "Spotnana issued the same access token again"
      : isRenewal
      ? "Spotnana access token renewed"
      : "Spotnana access token acquired"
    const level = isRecovery ? "Info" : "Debug"
    // The first date that a process formats costs megabytes of memory. So no date is formatted for a line that is not
    // logged.
    return Effect.flatMap(LogLevel.isEnabled(level), (isEnabled) =>
      isEnabled
        ? log(level, message, {
          ...labels,
          expires_at: DateTime.formatIso(token.expiresAt),
          lifetime: Duration.format(AccessToken.lifetime(token))
        })
        : Effect.void)
  }

  /** Logs that a layer is provided for each call, and so requests a token for each call. */
  #duplicate(labels: Labels): Effect.Effect<void> {
    if (!this.#isDuplicate) return Effect.void
    this.#isDuplicate = false
    this.#count(metrics.duplicates, labels)
    return log(
      "Debug",
      "Several Spotnana clients request tokens for one client id; provide the layer once, at the start",
      labels
    )
  }

  #failed(
    { error, isLive, retryAfter }: TelemetryReport & { readonly _tag: "AcquisitionFailed" },
    labels: Labels
  ): Effect.Effect<void> {
    this.#count(metrics.acquisitions, labels, { outcome: error._tag })
    return log(
      error._tag === "InvalidCredentials" ? "Error" : "Warn",
      isLive ? "Spotnana access token not renewed; the current one stays in use" : "Spotnana access token not acquired",
      {
        ...labels,
        error: error._tag,
        reason: error.message,
        retry_after: Duration.format(Duration.millis(retryAfter)),
        ...(error.debugIdentifier === undefined ? undefined : { debug_identifier: error.debugIdentifier })
      }
    )
  }
}
