import type * as State from "@effect-spotnana/engine/State"
import type * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as LogLevel from "effect/LogLevel"
import type * as Metric from "effect/Metric"
import * as MetricLabel from "effect/MetricLabel"
import * as AccessToken from "../../AccessToken.ts"
import type { AuthError } from "../../AuthError.ts"
import type { ClientCredentials } from "../../Credentials.ts"
import type { Environment } from "../../Environment.ts"
import { instantOf } from "../instant.ts"
import { AloneProviders } from "./aloneProviders.ts"
import { beginSeries, reportingUnder } from "./lifetimeLeft.ts"
import type { Reporting, SecondsLeft } from "./lifetimeLeft.ts"
import * as metrics from "./metrics.ts"

/** What is reported. */
export type TelemetryReport = State.Report<AccessToken.AccessToken, AuthError>

type Labels = Readonly<Record<string, string>>

/** The client id if there are no credentials. */
const unknown = "unknown"

const isOfSource = (error: AuthError): boolean =>
  error._tag === "TokenEndpointUnavailable" && error.reason === "CredentialsSource"

// By clock, because tests set their own clocks to the same times, and may use the same client id.
const aloneProviders = /* #__PURE__ */ new WeakMap<Clock.Clock, AloneProviders>()

const aloneOn = (clock: Clock.Clock): AloneProviders => {
  const known = aloneProviders.get(clock) ?? new AloneProviders()
  aloneProviders.set(clock, known)
  return known
}

/** Logs and metrics of one provider, without secrets. Providers are told apart by environment and client id. */
export class Telemetry {
  readonly #environment: Environment
  /** The application's own labels of all metrics (`Effect.tagMetrics`). */
  readonly #shared: ReadonlyArray<MetricLabel.MetricLabel>
  readonly #secondsLeft: SecondsLeft
  /** Where it reports the seconds left. */
  #reporting: Reporting | undefined
  /** The client id that logs and metrics are about. */
  #client = unknown
  #isClosed = false
  readonly #clock: Clock.Clock
  readonly #isAlone: boolean
  /** The client id under which this provider is in `aloneProviders`. */
  #entered: string | undefined
  /** There is another provider for the client id, and that has not been logged yet. */
  #isDuplicate = false

  /**
   * `secondsLeft` is read whenever metrics are exported, until `close`. `isAlone`: another provider for the same client
   * id would request its own token, because there is no store.
   */
  constructor(
    environment: Environment,
    clock: Clock.Clock,
    shared: ReadonlyArray<MetricLabel.MetricLabel>,
    secondsLeft: SecondsLeft,
    isAlone: boolean
  ) {
    this.#environment = environment
    this.#shared = shared
    this.#clock = clock
    this.#isAlone = isAlone
    this.#secondsLeft = secondsLeft
  }

  /** From now on logs and metrics are about this client. */
  set client({ clientId }: ClientCredentials) {
    if (this.#client === clientId) return
    this.#leave()
    this.#client = clientId
  }

  report(report: TelemetryReport): Effect.Effect<void> {
    if (this.#isClosed) return Effect.void
    this.#enter()
    switch (report._tag) {
      case "TokenAcquired":
        return Effect.zipRight(this.#acquired(report, this.#labelsOf(this.#client)), this.#duplicate())
      case "AcquisitionFailed":
        // If the source fails, the client id is not known.
        return this.#failed(report, this.#labelsOf(isOfSource(report.error) ? unknown : this.#client))
      case "TokenRejected": {
        const labels = this.#labelsOf(this.#client)
        this.#count(metrics.rejections, labels)
        // While the credentials are refused, many requests may be rejected. The refusal is already in the log.
        return report.isRefused
          ? Effect.void
          : Effect.annotateLogs(Effect.logWarning("Spotnana rejected an access token before it expired"), labels)
      }
      case "ReplacementHeldBack": {
        const labels = this.#labelsOf(this.#client)
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

  /** Ends the report of the seconds left. */
  close(): void {
    this.#isClosed = true
    this.#reporting?.delete(this.#secondsLeft)
    this.#leave()
  }

  get #key(): string {
    return `${this.#environment.name}\n${this.#client}`
  }
  /** The key of its series of the gauge. */
  get #series(): string {
    return JSON.stringify([this.#key, ...this.#shared.map(({ key, value }) => [key, value])])
  }
  get #now(): number {
    return instantOf(this.#clock).mono
  }
  #enter(): void {
    const key = this.#key
    if (!this.#isAlone || this.#client === unknown || this.#entered === key) return
    this.#entered = key
    this.#isDuplicate = aloneOn(this.#clock).enter(key, this.#now)
  }
  #leave(): void {
    if (this.#entered !== undefined) aloneOn(this.#clock).leave(this.#entered, this.#now)
    this.#entered = undefined
  }

  /** Logs that a layer is provided for each call, and so requests a token for each call. */
  #duplicate(): Effect.Effect<void> {
    if (!this.#isDuplicate) return Effect.void
    this.#isDuplicate = false
    const labels = this.#labelsOf(this.#client)
    this.#count(metrics.duplicates, labels)
    return Effect.annotateLogs(
      Effect.logDebug(
        "Several Spotnana clients request tokens for one client id; provide the layer once, at the start"
      ),
      labels
    )
  }

  #labelsOf(client: string): Labels {
    return { environment: this.#environment.name, client_id: client }
  }

  #metricLabels(labels: Labels): ReadonlyArray<MetricLabel.MetricLabel> {
    const others = this.#shared.filter(({ key }) => !Object.hasOwn(labels, key))
    return [...others, ...Object.entries(labels).map(([name, value]) => MetricLabel.make(name, value))]
  }

  #count(metric: Metric.Metric.Counter<number>, labels: Labels, attributes?: Labels): void {
    metric.unsafeUpdate(1, this.#metricLabels({ ...labels, ...attributes }))
  }

  /** Reports the seconds left under the labels of its client, from now on, and under no others. */
  #reportLeft(reporting: Reporting): void {
    this.#reporting?.delete(this.#secondsLeft)
    this.#reporting = reporting.add(this.#secondsLeft)
  }

  #acquired(report: TelemetryReport & { readonly _tag: "TokenAcquired" }, labels: Labels): Effect.Effect<void> {
    const { isRecovery, isRenewal, isSame, isShared, token } = report
    this.#reportLeft(reportingUnder(this.#series) ?? beginSeries(this.#series, this.#metricLabels(labels)))
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
    const level = isRecovery ? LogLevel.Info : LogLevel.Debug
    // The first date that a process formats costs megabytes of memory. So no date is formatted for a line that is not
    // logged.
    return Effect.flatMap(
      FiberRef.get(FiberRef.currentMinimumLogLevel),
      (minimum) =>
        LogLevel.greaterThanEqual(level, minimum)
          ? Effect.annotateLogs(Effect.logWithLevel(level, message), {
            ...labels,
            expires_at: DateTime.formatIso(token.expiresAt),
            lifetime: Duration.format(AccessToken.lifetime(token))
          })
          : Effect.void
    )
  }

  #failed(
    { error, isLive, retryAfter }: TelemetryReport & { readonly _tag: "AcquisitionFailed" },
    labels: Labels
  ): Effect.Effect<void> {
    this.#count(metrics.acquisitions, labels, { outcome: error._tag })
    // A series of an earlier client would hide that this one has no token.
    const begun = isLive || isOfSource(error) ? undefined : reportingUnder(this.#series)
    if (begun !== undefined) this.#reportLeft(begun)
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
