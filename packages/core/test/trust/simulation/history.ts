import { Arbitrary, Schema } from "effect"

/** Milliseconds that pass before a step, from nothing to beyond every lifetime but the longest. */
const Pause = Schema.Literals([0, 0, 1, 100, 700, 3_000, 9_700, 20_000, 58_000, 61_000, 300_000, 1_500_000])

/** Trouble comes together: most things happen to the first tenant, and the second one must not notice. */
const Tenant = Schema.Literals([0, 0, 0, 1])

const step = <const Tag extends string, const Fields extends Schema.Struct.Fields>(tag: Tag, fields: Fields) =>
  Schema.Struct({ after: Pause, act: Schema.Literal(tag), ...fields })

/** One thing that happens. Calls come first and often: without them the rest says nothing. */
const Step = Schema.Union([
  step("call", {
    tenant: Tenant,
    kind: Schema.Literals(["get", "get", "post", "stream", "own", "foreign", "absolute", "token"]),
    count: Schema.Literals([1, 1, 2, 20]),
    /** Milliseconds after which the first of the callers is interrupted. */
    interruptAfter: Schema.Literals(["never", "never", 0, 50, 4_000])
  }),
  step("call", {
    tenant: Tenant,
    kind: Schema.Literals(["get", "post"]),
    count: Schema.Literals([1, 3]),
    interruptAfter: Schema.Literal("never")
  }),
  step("reject", { tenant: Tenant, which: Schema.Literals(["current", "older", "unknown"]) }),
  step("endpoint", {
    mode: Schema.Literals([
      "ok",
      "ok",
      "unavailable",
      "dropped",
      "hanging",
      "garbage",
      "sameToken",
      "sameToken",
      "refusing",
      "refusing",
      "limited"
    ]),
    latency: Schema.Literals([0, 200, 4_000, 12_000]),
    retryAfter: Schema.Literals(["absent", "7", "date", "soon", "31536000", "0"])
  }),
  step("api", {
    mode: Schema.Literals(["ok", "ok", "ok", "rejecting", "forbidding", "scope", "dropped"]),
    latency: Schema.Literals([0, 300, 5_000])
  }),
  step("revoke", { tenant: Tenant }),
  step("rotate", { tenant: Tenant, follow: Schema.Literals(["atOnce", "atOnce", "notYet"]) }),
  step("source", {
    tenant: Tenant,
    mode: Schema.Literals(["ok", "failingOnce", "failingOnce", "failing", "hanging", "dying"])
  }),
  step("setClock", { by: Schema.Literals([-7_200_000, -60_000, -3_000, 3_000, 60_000, 7_200_000]) }),
  step("suspend", { by: Schema.Literals([8_000, 600_000, 14_400_000]) }),
  step("restart", { tenant: Tenant })
])

/** One thing that happens. */
export type Step = typeof Step.Type

/** How a tenant's provider is configured, and how long its tokens live. */
const Setting = Schema.Struct({
  mode: Schema.Literals(["background", "background", "onDemand"]),
  attempts: Schema.Literals([1, 3]),
  /** Seconds. */
  lifetime: Schema.Literals([10, 60, 600, 3_600])
})

/** How a tenant's provider is configured. */
export type Setting = typeof Setting.Type

/** Everything that a run depends on: the same history is the same run, to the last event. */
export interface History {
  readonly seed: number
  readonly tenants: ReadonlyArray<Setting>
  readonly steps: ReadonlyArray<Step>
}

/** Any history. */
export const history: Arbitrary.Arbitrary<History> = Arbitrary.all({
  seed: Arbitrary.schema(Schema.Literals([1, 2, 3, 4, 5, 6, 7, 8])),
  tenants: Arbitrary.all([Arbitrary.schema(Setting), Arbitrary.schema(Setting)]),
  steps: Arbitrary.array(Arbitrary.schema(Step), { minLength: 1, maxLength: 24 })
})
