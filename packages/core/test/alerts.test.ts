import { Environment, TokenStore } from "@effect-spotnana/core"
import type { Credentials } from "@effect-spotnana/core"
import { Fault } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { readFileSync } from "node:fs"
import * as Emitted from "./support/emitted.ts"
import { clientId, clientSecret } from "./support/harness.ts"
import * as Promtool from "./support/promtool.ts"
import * as Rules from "./support/rules.ts"
import { fired, judge, sources } from "./support/stories.ts"

/** Credentials that the mock knows nothing of. */
const ofTenant: Credentials.Credentials["Service"] = { current: Effect.succeed({ clientId: "tenant", clientSecret }) }

const story = (...[name, tell]: Parameters<typeof judge>) =>
  it.effect(name, () => Effect.map(judge(name, tell), (said) => expect(said).toBe("")))

describe("the rules", () => {
  it.effect("ask for what is really emitted", () =>
    Effect.gen(function*() {
      const vocabulary = Rules.recordings.reduce(Emitted.withRecording, yield* Emitted.emitted)
      for (const { expr } of Rules.rules) expect([expr, Emitted.problems(vocabulary, expr)]).toEqual([expr, []])
    }))

  it("have names of their own, and wait before they fire", () => {
    const names = Rules.alerts.map(({ alert }) => alert)
    expect(new Set(names).size).toBe(names.length)
    for (const rule of Rules.alerts) expect(rule.for).toMatch(/^[1-9]\d*m$/)
  })

  it("say in a sentence what is so, and then what to do", () => {
    for (const { annotations } of Rules.alerts) {
      expect(annotations.summary).toMatch(/ \(\{\{ \$labels\.environment \}\}\)\.$/)
      expect(annotations.description.split(". ").length).toBeGreaterThan(1)
    }
  })

  it("lead to a section of the runbook each, and it has no others", () => {
    const [, runbook = ""] = readFileSync("docs/running-in-production.md", "utf8").split("\n## Runbook\n")
    const sections = [...runbook.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading)
    expect(sections).toEqual(Rules.alerts.map(({ alert }) => alert))
    const guide = "https://github.com/effect-spotnana/effect-spotnana/blob/main/docs/running-in-production.md"
    for (const { alert, annotations } of Rules.alerts) {
      expect(annotations.runbook_url).toBe(`${guide}#${alert.toLowerCase()}`)
    }
  })

  it.skipIf(!Promtool.isThere)("are rules to Prometheus itself", () => {
    expect(Promtool.checkRules(Rules.file)).toBe("")
  })
})

describe.skipIf(!Promtool.isThere)("alerts, as Prometheus judges them", () => {
  describe("none fires", () => {
    story("in hours without troubles", ({ quiet, start }) =>
      Effect.gen(function*() {
        yield* start("a")
        yield* start("b", { refresh: { jitter: 0.1 } })
        yield* quiet(5 * 60)
      }))

    for (const [tokenLifetime, hours] of [["30 seconds", 1], ["5 minutes", 2], ["1 day", 25]] as const) {
      story(`with tokens that live for ${tokenLifetime}`, ({ mock, quiet, start }) =>
        Effect.gen(function*() {
          yield* mock.configure({ tokenLifetime })
          yield* start("a")
          yield* quiet(hours * 60)
        }))
    }

    story("in a fleet that shares its token", ({ quiet, start }) =>
      Effect.gen(function*() {
        const store = Context.get(yield* Layer.build(TokenStore.layerMemory), TokenStore.TokenStore)
        yield* start("a", { store })
        yield* start("b", { store })
        yield* quiet(3 * 60)
      }))

    story(
      "when the token endpoint is down for three minutes",
      ({ mock, pass, quiet, start }) =>
        Effect.gen(function*() {
          yield* start("a")
          yield* pass(48)
          yield* mock.inject("token", Fault.status(503), { times: Infinity })
          yield* pass(3)
          yield* mock.clearFaults
          yield* quiet(20)
        })
    )

    story("when tokens are revoked once, under load", ({ mock, pass, quiet, start }) =>
      Effect.gen(function*() {
        const { call } = yield* start("a")
        yield* pass(10)
        yield* mock.revokeTokens
        yield* call(50)
        yield* quiet(30)
      }))

    story("when a process is started anew", ({ quiet, start }) =>
      Effect.gen(function*() {
        for (let times = 0; times < 5; times++) {
          const { die } = yield* start("a")
          yield* quiet(13)
          yield* die
          yield* quiet(1)
        }
      }))

    story(
      "when a process has closed the last client of an environment, and goes on in another",
      ({ pass, quiet, start }) =>
        Effect.gen(function*() {
          yield* start("a")
          const { close } = yield* start("a", { environment: Environment.sandbox })
          yield* pass(10)
          yield* close
          yield* quiet(60)
        })
    )

    story("when a process has closed its last client", ({ pass, quiet, start }) =>
      Effect.gen(function*() {
        const { close } = yield* start("a")
        yield* pass(10)
        yield* close
        yield* quiet(60)
      }))

    story("when one of two processes is gone", ({ pass, quiet, start }) =>
      Effect.gen(function*() {
        const { die } = yield* start("a")
        yield* start("b")
        yield* pass(10)
        yield* die
        yield* quiet(60)
      }))
  })

  story(
    "the token endpoint is down until the token has expired",
    ({ firing, mock, pass, start }) =>
      Effect.gen(function*() {
        yield* start("a")
        yield* start("b", { refresh: { renewAt: 0.25, jitter: 0 } })
        yield* pass(40)
        yield* mock.inject("token", Fault.status(503), { times: Infinity })
        yield* pass(12)
        firing({ SpotnanaTokenNotRenewed: ["b"] })
        yield* pass(4)
        firing({ SpotnanaTokenNotRenewed: ["a", "b"], SpotnanaTokenExpiryNear: ["a"] })
        yield* pass(7)
        firing({ SpotnanaTokenNotRenewed: ["a", "b"], SpotnanaNoToken: ["a"] })
        yield* mock.clearFaults
        yield* pass(2)
        firing()
      })
  )

  story("a proxy answers in place of the token endpoint", ({ firing, mock, pass, start }) =>
    Effect.gen(function*() {
      yield* mock.inject("token", Fault.garbage, { times: Infinity })
      yield* start("a")
      yield* pass(4)
      firing({ SpotnanaNoToken: ["a"] })
      yield* pass(4)
      firing({ SpotnanaNoToken: ["a"], SpotnanaTokenNotRenewed: ["a"] })
    }))

  story("the token endpoint is busy for an hour", ({ firing, mock, pass, start }) =>
    Effect.gen(function*() {
      yield* start("a")
      yield* pass(40)
      yield* mock.inject("token", Fault.rateLimited({ retryAfter: "3600" }))
      yield* pass(14)
      firing({ SpotnanaTokenNotRenewed: ["a"], SpotnanaTokenExpiryNear: ["a"] })
      yield* pass(9)
      firing({ SpotnanaNoToken: ["a"] })
      // Nothing is asked, and nothing counted.
      yield* pass(40)
      firing({ SpotnanaNoToken: ["a"] })
      yield* pass(7)
      firing()
    }))

  story("the secret is rotated, and nobody is told", ({ firing, mock, pass, start }) =>
    Effect.gen(function*() {
      const { set, source } = sources()
      yield* start("a", { source })
      yield* pass(10)
      const credentials = yield* mock.rotateSecret()
      yield* pass(4)
      // The token stays in use until it expires, and every call is answered 401.
      firing({ SpotnanaCredentialsRefused: ["a"], SpotnanaTokensRejected: ["a"] })
      yield* pass(14)
      firing({ SpotnanaCredentialsRefused: ["a"], SpotnanaTokensRejected: ["a"], SpotnanaReplaysRising: ["a"] })
      yield* pass(46)
      firing({ SpotnanaCredentialsRefused: ["a"], SpotnanaNoToken: ["a"] })
      yield* set(Effect.succeed(credentials))
      yield* pass(2)
      firing({ SpotnanaCredentialsRefused: ["a"] })
      yield* pass(10)
      firing()
    }))

  story("the API user is revoked before the first call", ({ firing, pass, start }) =>
    Effect.gen(function*() {
      const { set, source } = sources()
      yield* set(Effect.succeed({ clientId: "another", clientSecret }))
      yield* start("a", { source })
      yield* pass(4)
      firing({ SpotnanaCredentialsRefused: ["a another"], SpotnanaNoToken: ["a another"] })
    }))

  story(
    "a tenant whose credentials are refused comes for a moment each half hour",
    ({ firing, mock, pass, start }) =>
      Effect.gen(function*() {
        yield* start("a")
        for (let times = 0; times < 4; times++) {
          const { call, close } = yield* start("a", { isBusy: false, source: ofTenant })
          yield* call(1)
          yield* pass(2)
          // Its series ends two minutes after the client was closed: then there is nothing to fire about any more.
          firing({ SpotnanaCredentialsRefused: ["a tenant"] })
          yield* close
          yield* pass(28)
          firing()
        }
        expect(yield* mock.tokenRequests).toBeGreaterThan(4)
      })
  )

  story("the vault cannot be read", ({ firing, pass, start }) =>
    Effect.gen(function*() {
      const { set, source } = sources()
      yield* start("a", { source })
      yield* pass(40)
      yield* set(Effect.fail("no answer"))
      yield* pass(15)
      firing({ SpotnanaCredentialsSourceFails: ["a unknown"], SpotnanaTokenExpiryNear: ["a"] })
      yield* pass(8)
      firing({ SpotnanaCredentialsSourceFails: ["a unknown"], SpotnanaNoToken: ["a"] })
      yield* set(Effect.succeed({ clientId, clientSecret }))
      yield* pass(2)
      firing()
    }))

  story("the vault cannot be read from the start", ({ firing, pass, start }) =>
    Effect.gen(function*() {
      yield* start("a", { source: { current: Effect.fail("no answer") } })
      yield* pass(8)
      firing({ SpotnanaCredentialsSourceFails: ["a unknown"], SpotnanaNoToken: ["a unknown"] })
    }))

  story("tokens are revoked every five minutes", ({ firing, mock, pass, start }) =>
    Effect.gen(function*() {
      yield* start("a")
      for (let times = 0; times < 6; times++) {
        yield* pass(5)
        yield* mock.revokeTokens
      }
      firing({ SpotnanaReplaysRising: ["a"] })
      yield* pass(12)
      firing()
    }))

  story("the API rejects every token", ({ firing, mock, pass, start }) =>
    Effect.gen(function*() {
      yield* start("a")
      yield* pass(10)
      yield* mock.inject("api", Fault.status(401), { times: Infinity })
      yield* pass(6)
      firing({ SpotnanaTokensRejected: ["a"] })
      yield* pass(14)
      firing({ SpotnanaTokensRejected: ["a"], SpotnanaReplaysRising: ["a"] })
      yield* mock.clearFaults
      yield* pass(12)
      firing()
    }))

  story(
    "a process dies of its troubles: its series are gone, and its alerts with them",
    ({ firing, mock, pass, start }) =>
      Effect.gen(function*() {
        const { die } = yield* start("a")
        yield* pass(5)
        yield* mock.rotateSecret()
        yield* pass(10)
        firing({ SpotnanaCredentialsRefused: ["a"], SpotnanaTokensRejected: ["a"] })
        yield* die
        // What it counted is within the last ten minutes for ten minutes more.
        yield* pass(1)
        firing({ SpotnanaCredentialsRefused: ["a"], SpotnanaTokensRejected: ["a"] })
        yield* pass(11)
        firing({ SpotnanaMetricsGone: ["a"] })
        yield* pass(330)
        firing({ SpotnanaMetricsGone: ["a"] })
        yield* pass(20)
        firing()
      })
  )

  story(
    "nobody asks a process that renews on demand: why such ones are left out",
    ({ firing, pass, start }) =>
      Effect.gen(function*() {
        const { call } = yield* start("a", { isBusy: false, refresh: { mode: "onDemand" } })
        yield* call(1)
        yield* pass(55)
        firing({ SpotnanaTokenExpiryNear: ["a"] })
        yield* pass(8)
        firing({ SpotnanaNoToken: ["a"] })
      })
  )

  it("each of them fires in a story", () => {
    expect([...fired].toSorted()).toEqual(Rules.alerts.map(({ alert }) => alert).toSorted())
  })
})
