import { Fault, MockSpotnana } from "@effect-spotnana/testing"
import { Duration, Effect } from "effect"
import type { Scope } from "effect"
import type { TestClock } from "effect/testing"
import { clientId, clientSecret } from "../../support/harness.ts"
import type { Facts } from "./facts.ts"
import type { Act } from "./history.ts"

/** The Spotnana that all processes call, and what is wrong with it. */
export interface Spotnana {
  readonly mock: MockSpotnana.MockSpotnana["Service"]
  /** Something is wrong from now on, until it is over. */
  readonly trouble: (step: Act<"endpoint"> | Act<"api">) => Effect.Effect<void>
  /** All works, and a token lives for an hour. */
  readonly mend: Effect.Effect<void>
  /** How long, in milliseconds, a token lives that is issued now. */
  readonly lifetime: () => number
}

type Endpoint = Pick<Act<"endpoint">, "mode" | "retryAfter" | "lifetime"> & { readonly latency: number }
type Api = Pick<Act<"api">, "mode" | "latency">

const wellEndpoint: Endpoint = { mode: "ok", latency: 200, retryAfter: "absent", lifetime: 3_600 }
const wellApi: Api = { mode: "ok", latency: 0 }

/** A token endpoint that takes longer is not well. */
const longestLatency = 3_000

const faultOf = ({ mode, retryAfter }: Endpoint): Fault.Fault | undefined => {
  const seconds = retryAfter === "absent" ? undefined : String(retryAfter)
  switch (mode) {
    case "ok":
      return undefined
    case "unavailable":
      return Fault.status(503, seconds === undefined ? undefined : { headers: { "retry-after": seconds } })
    case "limited":
      return Fault.rateLimited({ retryAfter: seconds })
    case "hanging":
      return Fault.hang
    case "dropped":
      return Fault.drop
    case "refusing":
      return Fault.status(401, { body: { error: "invalid_client" } })
  }
}

/** Makes a Spotnana that works. */
export const makeSpotnana = (base: TestClock.TestClock, facts: Facts): Effect.Effect<Spotnana, never, Scope.Scope> =>
  Effect.gen(function*() {
    const mock = yield* MockSpotnana.make({ clientId, clientSecret })
    let endpoint: Endpoint = wellEndpoint
    let api: Api = wellApi

    const apply = Effect.gen(function*() {
      yield* mock.configure({
        tokenLatency: endpoint.latency,
        apiLatency: api.latency,
        tokenLifetime: Duration.seconds(endpoint.lifetime)
      })
      yield* mock.clearFaults
      const fault = faultOf(endpoint)
      if (fault !== undefined) yield* mock.inject("token", fault, { times: Infinity })
      if (api.mode === "rejecting") yield* mock.inject("api", Fault.status(401), { times: Infinity })
      const isWell = endpoint.mode === "ok" && endpoint.latency <= longestLatency && api.mode === "ok"
      if (!isWell) facts.wellSince = Infinity
      else if (facts.wellSince === Infinity) facts.wellSince = facts.now()
    })
    yield* apply

    return {
      mock,
      lifetime: () => endpoint.lifetime * 1_000,
      mend: Effect.suspend(() => {
        endpoint = wellEndpoint
        api = wellApi
        return apply
      }),
      trouble: (step) =>
        Effect.gen(function*() {
          if (step.act === "endpoint") endpoint = step
          else api = step
          yield* apply
          yield* base.sleep(Duration.millis(step.lasting)).pipe(
            Effect.andThen(Effect.suspend(() => {
              // What is slow stays so, as far as it is well.
              const latency = Math.min(endpoint.latency, longestLatency)
              if (endpoint === step) endpoint = { ...wellEndpoint, latency, lifetime: endpoint.lifetime }
              if (api === step) api = wellApi
              return apply
            })),
            Effect.forkDetach
          )
        })
    }
  })
