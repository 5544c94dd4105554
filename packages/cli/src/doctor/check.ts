import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** The result of a check. */
export interface Result {
  readonly name: string
  readonly status: "ok" | "warning" | "fault" | "skipped"
  /** What was found. */
  readonly summary: string
  /** What to do about it. */
  readonly advice?: string | undefined
}

/** The problem that a check found, and what to do. */
export class Fault extends Data.TaggedError("Fault")<{
  readonly summary: string
  /** Absent if the summary says it. */
  readonly advice?: string | undefined
}> {}

/** What a check found, with a value that later checks need. */
export interface Found<A> {
  readonly summary: string
  readonly value: A
  /** A problem that should be corrected, but that does not prevent anything from working. */
  readonly warning?: string | undefined
}

/** Runs a check and reports it, or reports that it was skipped because the result that it needs is missing. */
export type Examine = <A, B, R>(
  name: string,
  basis: Option.Option<A>,
  check: (basis: A) => Effect.Effect<Found<B>, Fault, R>
) => Effect.Effect<Option.Option<B>, never, R>

const longest = "10 seconds"

export const makeExamine = (tell: (result: Result) => Effect.Effect<void>): Examine => (name, basis, check) =>
  Option.isNone(basis)
    ? Effect.as(tell({ name, status: "skipped", summary: "an earlier check failed" }), Option.none())
    : check(basis.value).pipe(
      Effect.timeoutOrElse({
        duration: longest,
        orElse: () =>
          Effect.fail(
            new Fault({
              summary: `no answer within ${longest}`,
              advice: "Look for a firewall, a proxy or a VPN in between, and try again."
            })
          )
      }),
      Effect.matchEffect({
        onFailure: ({ advice, summary }) => Effect.as(tell({ name, status: "fault", summary, advice }), Option.none()),
        onSuccess: ({ summary, value, warning }) =>
          Effect.as(
            tell(
              warning === undefined
                ? { name, status: "ok", summary }
                : { name, status: "warning", summary, advice: warning }
            ),
            Option.some(value)
          )
      })
    )
