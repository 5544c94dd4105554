import { MockSpotnana } from "@effect-spotnana/testing"
import { Clock, Deferred, Duration, Effect, Exit, Fiber, Option, Scope } from "effect"
import type { HttpClientResponse } from "effect/http"
import type { Audit } from "../../support/audit.ts"
import type { Call, Outcome } from "./callRules.ts"
import type { Member } from "./facts.ts"
import { isTogether, reached, sharing, Violation } from "./facts.ts"
import type { Act, Setting } from "./history.ts"
import type { Running, Surroundings } from "./members.ts"
import { judge, start } from "./members.ts"
import type { Process } from "./process.ts"

/** A place for a process: where one was killed or closed, another one may start. */
interface Slot {
  readonly setting: Setting
  starts: number
  running: Running | undefined
}

const outcomeOf = (
  exit: Exit.Exit<HttpClientResponse.HttpClientResponse, { readonly _tag: string }>
): Outcome => {
  if (Exit.isSuccess(exit)) return { tag: "Success", status: exit.value.status }
  if (Exit.hasInterrupts(exit)) return { tag: "Interrupted", status: undefined }
  return { tag: Option.getOrUndefined(Exit.findErrorOption(exit))?._tag ?? "a defect", status: undefined }
}

/** The processes of a history, and what is done to them. */
export const makeFleet = (
  settings: ReadonlyArray<Setting>,
  audit: Audit,
  surroundings: Omit<Surroundings, "calls" | "onRequest">
) => {
  const { base, facts, note, rules, watch } = surroundings
  const slots = settings.map((setting): Slot => ({ setting, starts: 0, running: undefined }))
  const processes: Array<readonly [name: string, Process]> = []
  const calls = new Map<string, Call>()
  const callsOf = new Map<Member, Set<Fiber.Fiber<unknown, unknown>>>()
  /** Calls and closings that have not ended. */
  const unended = new Set<Fiber.Fiber<unknown, unknown>>()
  let serial = 0
  let isQuiet = false
  let nextRequest = Deferred.makeUnsafe<void>()
  const onRequest = () => {
    Deferred.doneUnsafe(nextRequest, Exit.void)
    nextRequest = Deferred.makeUnsafe()
  }

  const everybody = (): ReadonlyArray<Running> => slots.flatMap(({ running }) => running ?? [])
  const holder = () => everybody().filter(({ member }) => member === rules.holder())

  const enter = (set: Set<Fiber.Fiber<unknown, unknown>>, fiber: Fiber.Fiber<unknown, unknown>) => {
    set.add(fiber)
    fiber.addObserver(() => void set.delete(fiber))
  }

  const open = (slot: Slot): Effect.Effect<void> =>
    Effect.gen(function*() {
      if (slot.running !== undefined) return
      const name = `p${slots.indexOf(slot)}${"'".repeat(slot.starts++)}`
      note(`${name} starts: ${JSON.stringify(slot.setting)}`)
      slot.running = yield* start({ ...surroundings, calls, onRequest }, name, slot.setting)
      processes.push([name, slot.running.process])
    })

  const goOn = (running: Running) => {
    const { member, process } = running
    if (!process.isStopped()) return
    note(`${member.name} goes on`)
    member.continuedAt = facts.now()
    process.continue()
    judge(running, facts.now())
  }

  return {
    slots,
    everybody,
    open,
    goOn,
    unended: () => unended.size,
    /** The sleeps of all processes, dead ones included, that have not ended. */
    sleeps: () => processes.flatMap(([name, { sleeps }]) => sleeps() > 0 ? [`${sleeps()} of ${name}`] : []),

    /** From now on nothing is done to anybody. */
    quieten: () => {
      isQuiet = true
    },

    /** Those who are meant: at once, or where nobody holds what a holder holds, once somebody does. */
    withChosen: (
      who: Act<"store">["who"] | Act<"kill">["who"],
      f: (running: Running) => Effect.Effect<void>
    ): Effect.Effect<void> => {
      if (who === "all") return Effect.forEach(everybody(), f, { discard: true })
      if (who !== "holder") {
        const { running } = slots[who % slots.length]!
        return running === undefined ? Effect.void : f(running)
      }
      const atOnce = Effect.suspend(() => isQuiet ? Effect.void : Effect.forEach(holder(), f, { discard: true }))
      return holder().length > 0 ? atOnce : Deferred.await(nextRequest).pipe(
        Effect.andThen(base.sleep(Duration.millis(50))),
        Effect.andThen(atOnce),
        Effect.forkDetach({ startImmediately: true }),
        Effect.asVoid
      )
    },

    call: ({ client, member, process }: Running): Effect.Effect<void> =>
      Effect.gen(function*() {
        const id = String(serial += 1)
        const fiber = yield* process.awake.pipe(
          Effect.andThen(Effect.suspend(() => {
            const call = watch(`${member.name} begins call ${id}`, () => rules.called(member))
            if (call !== undefined) calls.set(id, call)
            return client.get(`/v2/users/${MockSpotnana.users[0]}`, { headers: { "x-call": id } })
          })),
          Effect.onExit((exit) =>
            Effect.sync(() => {
              if (Exit.isFailure(exit)) audit.add(exit)
              const outcome = outcomeOf(exit)
              watch(`${member.name}'s call ${id} ends: ${outcome.tag} ${outcome.status ?? ""}`, () => {
                const call = calls.get(id)
                if (call !== undefined) rules.ended(call, outcome)
              })
            })
          ),
          Effect.provideService(Clock.Clock, process.clock),
          Effect.forkDetach({ startImmediately: true })
        )
        const own = callsOf.get(member) ?? new Set()
        callsOf.set(member, own)
        enter(own, fiber)
        enter(unended, fiber)
      }),

    /** It is stopped, with all that is its own, for so many milliseconds. */
    stop: (running: Running, lasting: number): Effect.Effect<void> =>
      Effect.gen(function*() {
        const { member, process } = running
        if (process.isStopped()) return
        if (member.fence !== undefined) reached(facts, "stopped with the lease")
        note(`${member.name} is stopped`)
        facts.lossAt = facts.now()
        process.stop()
        judge(running, facts.now())
        yield* base.sleep(Duration.millis(lasting)).pipe(
          Effect.andThen(Effect.sync(() => goOn(running))),
          Effect.forkDetach
        )
      }),

    /** It ends: in order, or with nothing of what it does at its end reaching anybody. */
    end: (running: Running, how: "killed" | "closed"): Effect.Effect<void> =>
      Effect.gen(function*() {
        const { member, process, scope } = running
        if (!member.isAlive || (how === "closed" && process.isStopped())) return
        if (member.fence !== undefined) reached(facts, `${how} with the lease`)
        note(`${member.name} is ${how}`)
        const { fence } = member
        const givesBack = how === "closed" && fence !== undefined && isTogether(member, facts.now())
        facts.lossAt = facts.now()
        member.isAlive = false
        facts.members.delete(member)
        for (const slot of slots) if (slot.running === running) slot.running = undefined
        const startedAt = facts.now()
        if (how === "killed") {
          process.kill()
          for (const fiber of callsOf.get(member) ?? []) yield* Effect.forkDetach(Fiber.interrupt(fiber))
        }
        const closing = Effect.tap(Scope.close(scope, Exit.void), () =>
          Effect.sync(() =>
            watch(`${member.name} has ended`, () => {
              const took = facts.now() - startedAt
              if (givesBack && facts.lease?.fence === fence && facts.now() < facts.lease.until) {
                throw new Violation(11, `${member.name} kept its lease`)
              }
              if (took > 2 * sharing.operation) {
                throw new Violation(11, `the closing of ${member.name} took ${took} ms`)
              }
            })
          ))
        enter(unended, yield* Effect.forkDetach(closing, { startImmediately: true }))
      })
  }
}
