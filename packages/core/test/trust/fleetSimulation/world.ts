import { Duration, Effect, Fiber, Random } from "effect"
import { TestClock } from "effect/testing"
import { makeAudit } from "../../support/audit.ts"
import type { Simulation } from "../simulation/run.ts"
import type { Report } from "../simulation/run.ts"
import { longestCall, makeCallRules, recovery } from "./callRules.ts"
import type { Situations } from "./facts.ts"
import { makeFacts, Violation } from "./facts.ts"
import { makeFleet } from "./fleet.ts"
import type { History, Step } from "./history.ts"
import { history } from "./history.ts"
import type { Running, Watch } from "./members.ts"
import { judge } from "./members.ts"
import { makeRequestRules } from "./requestRules.ts"
import { makeSpotnana } from "./spotnana.ts"
import { makeStore } from "./store.ts"
import { makeStoreRules } from "./storeRules.ts"

/** Every secret has the one in it, and every token the other. */
const marks = ["c4n4ry", "mock-token-"]

/** Lives through a history, from the first process to the last timer. */
const live = (history: History, situations: Situations): Effect.Effect<Report> =>
  Effect.gen(function*() {
    const base = yield* TestClock.testClockWith(Effect.succeed)
    const now = () => base.currentTimeMillisUnsafe()
    const log: Array<string> = []
    const audit = makeAudit()
    let violation: Violation | undefined

    const note = (line: string) => {
      if (violation === undefined) log.push(`${now()} ${line}`)
    }
    /** Says what happens; the first thing that must not be is kept, and ends the history. */
    const watch: Watch = (line, f) => {
      note(line)
      if (violation !== undefined) return undefined
      try {
        return f()
      } catch (error) {
        if (!(error instanceof Violation)) throw error
        note(`VIOLATION ${error.message}`)
        violation = error
        return undefined
      }
    }

    const facts = makeFacts(now, situations)
    const spotnana = yield* makeSpotnana(base, facts)
    const store = yield* makeStore(base)
    const rules = { ...makeStoreRules(facts), ...makeRequestRules(facts), ...makeCallRules(facts) }
    const fleet = makeFleet(history.processes, audit, { base, spotnana, store, facts, rules, watch, note })

    /**
     * Lets time pass, and then does something. What is done by who was woken by the clock is waited for, to its last
     * consequence: without that, the order of things would be that of the machine's tasks.
     */
    const pass = (millis: number, then: Effect.Effect<void> = Effect.void) =>
      Effect.gen(function*() {
        const fiber = yield* Effect.forkDetach(Effect.andThen(base.sleep(Duration.millis(millis)), then), {
          startImmediately: true
        })
        yield* base.adjust(Duration.millis(millis))
        yield* Fiber.join(fiber)
      })

    /** One of the links of a process is in trouble, until it is over. */
    const spoil = <Which extends keyof Running["link"]>(
      running: Running,
      which: Which,
      trouble: NonNullable<Running["link"][Which]> & { readonly lasting: number }
    ) =>
      Effect.gen(function*() {
        const { link } = running
        link[which] = trouble
        judge(running, now())
        if (which === "changes" && trouble.mode === "failing") store.cut(link)
        yield* base.sleep(Duration.millis(trouble.lasting)).pipe(
          Effect.andThen(Effect.sync(() => {
            if (link[which] !== trouble) return
            link[which] = undefined
            judge(running, now())
          })),
          Effect.forkDetach
        )
      })

    const act = (step: Step): Effect.Effect<void> => {
      switch (step.act) {
        case "call":
          return fleet.withChosen(step.who, (running) =>
            Effect.forEach(Array.from({ length: step.count }), () => fleet.call(running), { discard: true }))
        case "revoke":
          return step.who === "nobody"
            ? spotnana.mock.revokeTokens
            : Effect.andThen(spotnana.mock.revokeTokens, fleet.withChosen(step.who, fleet.call))
        case "endpoint":
        case "api":
          return spotnana.trouble(step)
        case "store":
          return fleet.withChosen(step.who, (running) =>
            spoil(running, "trouble", step))
        case "changes":
          return fleet.withChosen(step.who, (running) => spoil(running, "changes", step))
        case "empty":
          return Effect.map(store.empty, () => {
            rules.emptied()
            store.cut()
          })
        case "freeze":
          return fleet.withChosen(step.who, (running) => fleet.stop(running, step.lasting))
        case "kill":
          return fleet.withChosen(step.who, (running) => fleet.end(running, "killed"))
        case "close":
          return fleet.withChosen(step.who, (running) => fleet.end(running, "closed"))
        case "start":
          return fleet.open(fleet.slots[step.who % fleet.slots.length]!)
      }
    }

    const callAll = Effect.suspend(() => Effect.forEach(fleet.everybody(), fleet.call, { discard: true }))

    const mend = Effect.gen(function*() {
      note("all trouble is over")
      fleet.quieten()
      yield* spotnana.mend
      for (const running of fleet.everybody()) {
        running.link.trouble = undefined
        running.link.changes = undefined
        fleet.goOn(running)
        judge(running, now())
      }
    })

    /** All trouble is over: every call ends, and after the next rejection one request serves all. */
    const end = Effect.gen(function*() {
      yield* pass(1, mend)
      yield* pass(longestCall + recovery)
      watch("all calls have ended", () => {
        if (fleet.unended() > 0) throw new Violation(12, `${fleet.unended()} calls or closings have not ended`)
      })
      yield* Effect.forEach(fleet.slots, fleet.open, { discard: true })
      yield* pass(1, callAll)
      yield* pass(30_000)
      note("all tokens are revoked")
      yield* spotnana.mock.revokeTokens
      const before = yield* spotnana.mock.tokenRequests
      yield* pass(1, callAll)
      yield* pass(30_000, callAll)
      yield* pass(1)
      const requests = (yield* spotnana.mock.tokenRequests) - before
      watch("all are one again", () => {
        const tokens = new Set(fleet.everybody().map(({ member }) => member.inUse))
        if (tokens.size > 1) {
          throw new Violation(7, `${[...tokens].join(" and ")} are used long after all trouble is over`)
        }
        if (requests > 1) throw new Violation(1, `${requests} token requests in place of one token`)
      })
    })

    yield* Effect.gen(function*() {
      for (const slot of fleet.slots) if (!slot.setting.startsLate) yield* fleet.open(slot)
      for (const step of history.steps) {
        if (violation !== undefined) break
        yield* pass(
          step.after,
          Effect.suspend(() => {
            note(JSON.stringify(step))
            return act(step)
          })
        )
      }
      if (violation === undefined) yield* end
      yield* pass(
        1,
        Effect.suspend(() =>
          Effect.forEach(fleet.everybody(), (running) => fleet.end(running, "closed"), { discard: true })
        )
      )
      yield* pass(10_000)
      watch("all is over", () => {
        const left = [
          ...fleet.sleeps(),
          ...(fleet.unended() > 0 ? [`${fleet.unended()} calls or closings`] : []),
          ...(store.subscriptions() > 0 ? [`${store.subscriptions()} subscriptions`] : [])
        ]
        if (left.length > 0) throw new Violation(11, `left behind: ${left.join(", ")}`)
      })
    }).pipe(audit.run, Random.withSeed(history.seed))

    const found = audit.search(marks)
    if (violation === undefined && found.length > 0) {
      violation = new Violation(9, `a secret in what was let out: ${found[0]}`)
    }
    return { violation, log, searches: audit.searches() }
  }).pipe(Effect.provide(TestClock.layer({ warningDelay: "1 hour" })), Effect.scoped)

/** Several processes that share a store. */
export const simulation: Simulation<History> = { history, live }
