import { Telemetry } from "../tokenProvider/telemetry.ts"
import type { TelemetryReport } from "../tokenProvider/telemetry.ts"
import type { ToUserError } from "./errors.ts"

/**
 * Logs and metrics of one user's provider. They use the labels of the client, so that users have no series of their
 * own. The seconds left are not reported: the series can show only one of thousands of tokens, and that is the client's
 * own.
 */
export class UserTelemetry extends Telemetry {
  readonly #toUserError: ToUserError

  constructor(toUserError: ToUserError, ...args: ConstructorParameters<typeof Telemetry>) {
    super(...args)
    this.#toUserError = toUserError
  }

  override report(report: TelemetryReport, holder: Parameters<Telemetry["report"]>[1]) {
    return super.report(
      report._tag === "AcquisitionFailed" && report.error._tag !== "SubjectTokenRejected"
        ? { ...report, error: this.#toUserError(report.error) }
        : report,
      holder
    )
  }

  protected override register(): void {}
}
