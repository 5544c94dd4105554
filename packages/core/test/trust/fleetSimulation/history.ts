import { Arbitrary, Schema } from "effect"

/** Milliseconds that pass before a step. */
const Pause = Schema.Literals([
  1,
  1,
  1,
  50,
  300,
  1_000,
  1_700,
  2_500,
  6_000,
  12_000,
  20_000,
  35_000,
  61_000,
  300_000,
  1_200_000
])

/** Milliseconds after which a trouble is over by itself: without that all would be in trouble, always. */
const Lasting = Schema.Literals([300, 2_500, 7_000, 20_000, 70_000, 400_000])

/** Which process a step is about; of fewer than six, the one with the remainder. */
const One = Schema.Literals([0, 1, 2, 3, 4, 5])
const OneOrAll = Schema.Literals([0, 1, 2, 3, 4, 5, "all", "all", "all", "all"])
/** The holder is whoever has a token request under way, or else will be the next to have one. */
const OneOrHolder = Schema.Literals([0, 1, 2, "holder", "holder", "holder"])

const step = <const Tag extends string, const Fields extends Schema.Struct.Fields>(tag: Tag, fields: Fields) =>
  Schema.Struct({ after: Pause, act: Schema.Literal(tag), ...fields })

const call = step("call", { who: OneOrAll, count: Schema.Literals([1, 1, 1, 5]) })

/** One thing that happens. Calls come often: without them the rest says nothing. */
const Step = Schema.Union([
  call,
  call,
  call,
  /** All tokens die, and somebody finds out at once. */
  step("revoke", { who: Schema.Literals([0, 1, 2, 3, 4, 5, "all", "nobody"]) }),
  step("endpoint", {
    mode: Schema.Literals(["ok", "ok", "ok", "ok", "unavailable", "limited", "hanging", "dropped", "refusing"]),
    latency: Schema.Literals([0, 200, 1_000, 3_000, 7_000]),
    /** Seconds. */
    retryAfter: Schema.Literals(["absent", 3, 30]),
    /** Seconds that the tokens live which are issued from now on. */
    lifetime: Schema.Literals([20, 60, 600, 3_600]),
    lasting: Lasting
  }),
  step("api", {
    mode: Schema.Literals(["ok", "rejecting"]),
    latency: Schema.Literals([0, 300]),
    lasting: Schema.Literals([300, 7_000, 70_000])
  }),
  step("store", {
    who: OneOrAll,
    mode: Schema.Literals(["failing", "failingLate", "hanging", "lost", "slowBefore", "slowAfter"]),
    delay: Schema.Literals([10, 100, 500, 1_500, 1_900, 3_000]),
    lasting: Lasting
  }),
  step("changes", {
    who: OneOrAll,
    mode: Schema.Literals(["dropped", "dropped", "delayed", "failing", "hanging"]),
    delay: Schema.Literals([100, 1_500, 3_000]),
    lasting: Lasting
  }),
  step("empty", {}),
  step("freeze", { who: OneOrHolder, lasting: Schema.Literals([300, 3_000, 7_000, 7_000, 33_000, 70_000]) }),
  step("kill", { who: OneOrHolder }),
  step("close", { who: OneOrHolder }),
  step("start", { who: One })
])

/** One thing that happens. */
export type Step = typeof Step.Type

/** The step of one name. */
export type Act<Name extends Step["act"]> = Extract<Step, { readonly act: Name }>

/** A process of the fleet. */
const Setting = Schema.Struct({
  mode: Schema.Literals(["background", "background", "onDemand"]),
  /**
   * How far its wall clock is from the right time, in milliseconds. A token is stored with its end by the clock of its
   * writer: processes whose clocks differ by more than that make requests of their own.
   */
  skew: Schema.Literals([0, 0, 0, 200, -300]),
  startsLate: Schema.Literals([false, false, false, true])
})

/** A process of the fleet. */
export type Setting = typeof Setting.Type

/** Everything that a run depends on: the same history is the same run, to the last event. */
export interface History {
  readonly seed: number
  readonly processes: ReadonlyArray<Setting>
  readonly steps: ReadonlyArray<Step>
}

/** Any history. */
export const history: Arbitrary.Arbitrary<History> = Arbitrary.all({
  seed: Arbitrary.schema(Schema.Literals([1, 2, 3, 4, 5, 6, 7, 8])),
  processes: Arbitrary.array(Arbitrary.schema(Setting), { minLength: 2, maxLength: 6 }),
  steps: Arbitrary.array(Arbitrary.schema(Step), { minLength: 1, maxLength: 24 })
})
