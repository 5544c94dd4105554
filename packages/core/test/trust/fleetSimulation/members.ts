import { SpotnanaHttpClient, TokenStore } from "@effect-spotnana/core"
import { Clock, Context, Effect, Layer, Option, Scope } from "effect"
import { HttpClient } from "effect/http"
import type { TestClock } from "effect/testing"
import { clientId, clientSecret } from "../../support/harness.ts"
import type { Call, makeCallRules } from "./callRules.ts"
import type { Facts, Member } from "./facts.ts"
import { makeMember, policy } from "./facts.ts"
import type { Setting } from "./history.ts"
import { network } from "./network.ts"
import type { Process } from "./process.ts"
import { makeProcess } from "./process.ts"
import type { makeRequestRules } from "./requestRules.ts"
import type { Spotnana } from "./spotnana.ts"
import type { Link, Observer, Store } from "./store.ts"
import type { makeStoreRules } from "./storeRules.ts"

/** A process of the fleet, with all that it is made of. */
export interface Running {
  readonly member: Member
  readonly process: Process
  readonly link: Link
  readonly scope: Scope.Closeable
  readonly client: SpotnanaHttpClient.SpotnanaHttpClient["Service"]
}

/** Says what happens, and holds it against the rules; of what must not be, nothing comes back. */
export type Watch = <A>(line: string, f: () => A) => A | undefined

/** What the processes of a fleet have in common. */
export interface Surroundings {
  readonly base: TestClock.TestClock
  readonly spotnana: Spotnana
  readonly store: Store
  readonly facts: Facts
  readonly rules:
    & ReturnType<typeof makeStoreRules>
    & ReturnType<typeof makeRequestRules>
    & ReturnType<typeof makeCallRules>
  readonly calls: Map<string, Call>
  readonly watch: Watch
  /** A token request has left. */
  readonly onRequest: () => void
  /** Says what happens. */
  readonly note: (line: string) => void
}

/** The observer of one member, with a line for each thing it sees. */
const observerOf = ({ rules, watch }: Surroundings, member: Member): Observer => {
  const seen = rules.observe(member)
  const { name } = member
  return {
    asked: (operation, key) => {
      const done = watch(`${name} asks the store: ${operation}`, () => seen.asked(operation, key))
      return () => watch(`${name} is done with: ${operation}`, () => done?.())
    },
    read: (found) =>
      watch(
        `${name} reads ${
          Option.match(found, {
            onNone: () => "nothing",
            onSome: ({ version }) => `${version}`
          })
        }`,
        () => seen.read(found)
      ),
    answeredLease: (lease) => watch(`${name} is answered ${lease._tag}`, () => seen.answeredLease(lease)),
    answeredExtend: (done) => watch(`${name} is told of its lease: ${done}`, () => seen.answeredExtend(done)),
    answeredWrite: (token, done) =>
      watch(`${name} is told of its write: ${done}`, () => seen.answeredWrite(token, done)),
    leased: (lease, time) => watch(`${name} has a lease: ${lease._tag}`, () => seen.leased(lease, time)),
    extended: (fence, time, done) => watch(`${name} extends ${fence}: ${done}`, () => seen.extended(fence, time, done)),
    wrote: (fence, token, time, startedAt, done) =>
      watch(
        `${name} writes ${token} as ${fence} for ${time} ms: ${done}`,
        () => seen.wrote(fence, token, time, startedAt, done)
      ),
    released: (fence, backoff) =>
      watch(`${name} releases ${fence}, backoff: ${backoff ?? "none"}`, () => seen.released(fence, backoff))
  }
}

/** Starts a process. */
export const start = (
  surroundings: Surroundings,
  name: string,
  { mode, skew }: Setting
): Effect.Effect<Running> =>
  Effect.gen(function*() {
    const { base, calls, facts, onRequest, rules, spotnana, store, watch } = surroundings
    const member = makeMember(name, facts.now())
    const process = makeProcess(base, skew)
    const link: Link = { trouble: undefined, changes: undefined }
    const http = network(spotnana.mock, base, process, {
      requested: () => {
        const at = facts.now()
        const lifetime = spotnana.lifetime()
        const ended = watch(`${name} sends a token request`, () => rules.requested(member))
        onRequest()
        return (answer) => {
          if (answer._tag === "Issued") {
            facts.tokens.set(answer.token, { at, lifetime })
            facts.issuedAt = facts.now()
          }
          const token = answer._tag === "Issued" ? answer.token : ""
          watch(`${name}'s token request ends: ${answer._tag} ${token}`, () => ended?.(answer))
        }
      },
      sent: (id, token) => {
        const call = calls.get(id)
        if (call !== undefined) watch(`${name} sends call ${id} with ${token}`, () => rules.sent(call, token))
      },
      answered: (id, token, status) => {
        const call = calls.get(id)
        watch(`${name}'s call ${id} is answered ${status}`, () => {
          if (call !== undefined && token !== undefined) rules.answered(call, token, status === 401)
        })
      }
    })
    const scope = yield* Scope.make()
    const layer = Layer.fresh(SpotnanaHttpClient.layer({
      clientId,
      clientSecret,
      timeout: policy.requestTimeout,
      refresh: {
        mode,
        retryAfterMaximum: policy.retryAfterMaximum,
        refusalTimeToLive: policy.refusalTimeToLive
      }
    })).pipe(
      Layer.provide(Layer.succeed(HttpClient.HttpClient, http)),
      Layer.provide(TokenStore.layer(Effect.succeed(store.connect(process, link, observerOf(surroundings, member)))))
    )
    const services = yield* Effect.provideService(Layer.buildWithScope(layer, scope), Clock.Clock, process.clock)
    facts.members.add(member)
    return {
      member,
      process,
      link,
      scope,
      client: Context.get(services, SpotnanaHttpClient.SpotnanaHttpClient)
    }
  })

/** Enters what the links and the process are like now. */
export const judge = ({ link, member, process }: Running, now: number): void => {
  const { changes, trouble } = link
  // What is slow, but not too slow, is well.
  const isSlow = trouble !== undefined && trouble.mode.startsWith("slow") && trouble.delay <= 500
  const storeIsWell = !process.isStopped() && (trouble === undefined || isSlow)
  const notesAreWell = !process.isStopped() && changes === undefined
  const since = (isWell: boolean, before: number) => !isWell ? Infinity : before === Infinity ? now : before
  member.storeWellSince = since(storeIsWell, member.storeWellSince)
  member.notesWellSince = since(notesAreWell, member.notesWellSince)
}
