// What three processes that share a token do: recorded from runs of the library in simulated time.
import { SpotnanaHttpClient, TokenProvider, TokenStore } from "@effect-spotnana/core"
import { MockSpotnana } from "@effect-spotnana/testing"
import { Clock, Context, Effect, Latch, Layer, Logger, Option, Redacted, Stream } from "effect"
import { HttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import { setImmediate } from "node:timers/promises"

export const processes = ["A", "B", "C"] as const
export type Process = typeof processes[number]

/** What a process did or met with, in words that tell no secret. */
export interface Event {
  /** Milliseconds since the scene began; negative for what was before. */
  readonly at: number
  readonly process: Process
  /** `begins` and `ends` enclose what a caller waits for. */
  readonly kind: "store" | "told" | "requests" | "answered" | "begins" | "ends" | "freezes" | "wakes"
  readonly label: string
}

/** How long it takes to the store, and back from it: milliseconds, as all that follows. */
export const oneWay = 5
export const tokenLatency = 300

const clientId = "client"
const clientSecret = Redacted.make("p1ctur3-s3cr3t")
const tokenPath = "/v2/auth/oauth2-token"

type Recorder = (kind: Event["kind"], label: string) => Effect.Effect<void>
type NameOf = (text: Redacted.Redacted) => string

/** The store as one process sees it. An operation is recorded when the store runs it, between request and answer. */
const recorded = (backend: TokenStore.Backend, record: Recorder, nameOf: NameOf): TokenStore.Backend => {
  const operation = <A, E>(run: Effect.Effect<A, E>, inWords: (answer: A) => string): Effect.Effect<A, E> =>
    Effect.delay(run, oneWay).pipe(
      Effect.tap((answer) => record("store", inWords(answer))),
      Effect.tap(Effect.sleep(oneWay))
    )
  const nameOfStored = Option.match({
    onNone: () => "nothing",
    onSome: ({ payload }: TokenStore.Stored) => nameOf(payload)
  })
  const refused = (isDone: boolean) => isDone ? "" : ": refused"
  return {
    ...backend,
    read: (key) => operation(backend.read(key), (found) => `read: ${nameOfStored(found)}`),
    lease: (key, time) =>
      operation(
        backend.lease(key, time),
        (lease) => lease._tag === "Granted" ? `lease: granted, fence ${lease.fence}` : "lease: held by another"
      ),
    extend: (key, fence, time) =>
      operation(backend.extend(key, fence, time), (isDone) => `extend fence ${fence}${refused(isDone)}`),
    write: (key, fence, payload, time) =>
      operation(
        backend.write(key, fence, payload, time),
        (isDone) => `write ${nameOf(payload)} with fence ${fence}${refused(isDone)}`
      ),
    release: (key, fence, backoff) => operation(backend.release(key, fence, backoff), () => `release fence ${fence}`),
    changes: (key) =>
      Effect.map(
        backend.changes(key),
        Stream.tap(() => Effect.andThen(Effect.sleep(oneWay), record("told", "told: changed")))
      )
  }
}

const makeFleet = Effect.gen(function*() {
  const { backend } = yield* TokenStore.TokenStore
  const mock = yield* MockSpotnana.MockSpotnana
  const clock = yield* TestClock.testClockWith(Effect.succeed)
  const events: Array<Event> = []
  let start = 0
  // A token goes by the order in which it was issued. Its value stays here.
  let issued: ReadonlyArray<Redacted.Redacted> = []
  const nameOf: NameOf = (text) =>
    `token ${1 + issued.findIndex((token) => Redacted.value(text).includes(Redacted.value(token)))}`
  const noteIssued = Effect.map(mock.ledger, (entries) => {
    issued = entries.flatMap(({ endpoint, token }) => endpoint === "token" && token !== undefined ? [token] : [])
  })

  const join = (process: Process) =>
    Effect.gen(function*() {
      const record: Recorder = (kind, label) =>
        Effect.sync(() => void events.push({ at: clock.currentTimeMillisUnsafe() - start, process, kind, label }))
      const awake = yield* Latch.make(true)
      // While it is frozen, no sleep of a process begins or ends, and no answer reaches it.
      const itsClock: Clock.Clock = {
        ...clock,
        sleep: (duration) => Effect.andThen(Effect.andThen(awake.await, clock.sleep(duration)), awake.await)
      }
      const http = HttpClient.transform(mock.httpClient, (exchange, { url }) =>
        (url.endsWith(tokenPath)
          ? record("requests", `POST ${tokenPath}`).pipe(
            Effect.andThen(Effect.suspend(() => {
              const name = `token ${1 + issued.length}`
              return Effect.tap(
                exchange,
                () => Effect.andThen(noteIssued, record("answered", awake.isOpen() ? name : `${name}, not read yet`))
              )
            }))
          )
          : Effect.tap(exchange, ({ status }) => record(status === 401 ? "begins" : "ends", `API: ${status}`))).pipe(
            Effect.provideService(Clock.Clock, clock),
            Effect.tap(awake.await)
          ))
      const services = yield* Layer.build(
        Layer.fresh(SpotnanaHttpClient.layer({ clientId, clientSecret })).pipe(
          Layer.provide(Layer.succeed(HttpClient.HttpClient, http)),
          Layer.provide(TokenStore.layer(Effect.succeed(recorded(backend, record, nameOf))))
        )
      ).pipe(Effect.provideService(Clock.Clock, itsClock))
      const provider = Context.get(services, TokenProvider.TokenProvider)
      const client = Context.get(services, SpotnanaHttpClient.SpotnanaHttpClient)
      return {
        get: record("begins", "get").pipe(
          Effect.andThen(provider.get),
          Effect.flatMap(({ value }) => record("ends", `get: ${nameOf(value)}`)),
          Effect.forkScoped
        ),
        call: Effect.forkScoped(client.get("/v2/companies")),
        freeze: Effect.andThen(record("freezes", "freezes"), awake.close),
        wake: Effect.andThen(record("wakes", "wakes"), awake.open)
      }
    })

  return {
    A: yield* join("A"),
    B: yield* join("B"),
    C: yield* join("C"),
    revokeTokens: mock.revokeTokens,
    /** The scene begins now. */
    begin: Effect.sync(() => {
      const now = clock.currentTimeMillisUnsafe() - start
      events.forEach((event, index) => events[index] = { ...event, at: event.at - now })
      start += now
    }),
    events,
    secrets: () => [clientSecret, ...issued]
  }
})

type Fleet = Effect.Success<typeof makeFleet>

/** Lets time pass in small steps, and after each of them what waits for a promise: a body is read through one. */
const pass = (millis: number) =>
  TestClock.adjust(oneWay).pipe(
    Effect.andThen(Effect.promise(() => setImmediate())),
    Effect.repeat({ times: millis / oneWay - 1 })
  )

const getAll = ({ A, B, C }: Fleet) => Effect.all([A.get, B.get, C.get])

const run = <E, R>(play: (fleet: Fleet) => Effect.Effect<void, E, R>) =>
  Effect.gen(function*() {
    const fleet = yield* makeFleet
    yield* play(fleet)
    return { events: fleet.events, secrets: fleet.secrets() }
  }).pipe(
    Effect.scoped,
    Effect.provide(
      TokenStore.layerMemory.pipe(
        Layer.provideMerge(MockSpotnana.layer({ clientId, clientSecret, tokenLatency })),
        Layer.provideMerge(TestClock.layer()),
        Layer.provideMerge(Logger.layer([]))
      )
    )
  )

/** The scenes, and what must not be in their picture. */
export const record = Effect.gen(function*() {
  const coldStart = yield* run((fleet) => Effect.andThen(getAll(fleet), pass(1000)))
  const rejection = yield* run((fleet) =>
    Effect.gen(function*() {
      yield* getAll(fleet)
      yield* pass(1000)
      yield* fleet.begin
      yield* fleet.revokeTokens
      yield* Effect.all([fleet.B.call, fleet.C.call])
      yield* pass(1000)
    })
  )
  const frozenHolder = yield* run((fleet) =>
    Effect.gen(function*() {
      yield* getAll(fleet)
      yield* pass(100)
      yield* fleet.A.freeze
      yield* pass(6900)
      yield* fleet.A.wake
      yield* pass(1000)
    })
  )
  return {
    coldStart: coldStart.events,
    rejection: rejection.events,
    frozenHolder: frozenHolder.events,
    secrets: [coldStart, rejection, frozenHolder].flatMap(({ secrets }) => secrets)
  }
})
