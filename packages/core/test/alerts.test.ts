import { TokenStore } from "@effect-spotnana/core"
import type { Credentials } from "@effect-spotnana/core"
import { Fault } from "@effect-spotnana/testing"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Layer, Random } from "effect"
import type { Scope } from "effect"
import { readFileSync } from "node:fs"
import * as Emitted from "./support/emitted.ts"
import { clientId, clientSecret } from "./support/harness.ts"
import * as Lives from "./support/lives.ts"
import * as Promtool from "./support/promtool.ts"
import * as Rules from "./support/rules.ts"

/** Which alerts fire, and for which processes; for another client id than the usual one it follows the process's name. */
type Firing = Readonly<Record<string, ReadonlyArray<string>>>

interface Story extends Lives.World {
  /** Says which alerts fire now. All others are silent. */
  readonly firing: (firing?: Firing) => void
}

const environment = "production"

/** What an alert is told apart by. */
const labelsOf = (alert: string, who: string): Readonly<Record<string, string>> => {
  const [instance = "", client_id = clientId] = who.split(" ")
  switch (alert) {
    case "SpotnanaMetricsGone":
      return { environment, job: "booking" }
    case "SpotnanaReplaysRising":
      return { environment, job: "booking", instance }
    default:
      return { environment, job: "booking", instance, client_id }
  }
}

const fill = (template: string, labels: Readonly<Record<string, string>>): string =>
  template.replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => {
    if (!(label in labels)) throw new Error(`there is no label ${label}: ${template}`)
    return labels[label]!
  })

const expectation = (alert: (typeof Rules.alerts)[number], minute: number, who: ReadonlyArray<string>) => ({
  alertname: alert.alert,
  eval_time: `${minute}m`,
  exp_alerts: who.map((one) => {
    const labels = labelsOf(alert.alert, one)
    return {
      exp_labels: { ...labels, ...alert.labels },
      exp_annotations: Object.fromEntries(
        Object.entries(alert.annotations).map(([name, text]) => [name, fill(text, labels)])
      )
    }
  })
})

const fired = new Set<string>()

/** Tells a story, and has Prometheus judge when which alert fires. */
const story = (name: string, tell: (world: Story) => Effect.Effect<void, never, Scope.Scope>) =>
  it.effect(name, () =>
    Effect.gen(function*() {
      const world = yield* Lives.make
      const expectations: Array<Promtool.Expectation> = []
      yield* tell({
        ...world,
        firing: (firing = {}) => {
          for (const alert of Object.keys(firing)) fired.add(alert)
          for (const alert of Rules.alerts) {
            expectations.push(expectation(alert, world.now(), firing[alert.alert] ?? []))
          }
        }
      })
      expect(Promtool.testRules(Rules.file, world.series.values(), expectations)).toBe("")
    }).pipe(Random.withSeed(name)))

const sources = () => {
  let current: Effect.Effect<Credentials.ClientCredentials, string> = Effect.succeed({ clientId, clientSecret })
  return {
    source: { current: Effect.suspend(() => current) },
    set: (next: typeof current) => Effect.sync(() => void (current = next))
  }
}

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
    story("in twelve hours without troubles", ({ firing, pass, start }) =>
      Effect.gen(function*() {
        yield* start("a")
        yield* start("b", { refresh: { jitter: 0.1 } })
        for (let hour = 0; hour < 12; hour++) {
          yield* pass(60)
          firing()
        }
      }))

    for (const [tokenLifetime, hours] of [["30 seconds", 2], ["5 minutes", 6], ["1 day", 30]] as const) {
      story(`with tokens that live for ${tokenLifetime}`, ({ firing, mock, pass, start }) =>
        Effect.gen(function*() {
          yield* mock.configure({ tokenLifetime })
          yield* start("a")
          for (let hour = 0; hour < hours; hour++) {
            yield* pass(60)
            firing()
          }
        }))
    }

    story("in a fleet that shares its token", ({ firing, pass, start }) =>
      Effect.gen(function*() {
        const store = Context.get(yield* Layer.build(TokenStore.layerMemory), TokenStore.TokenStore)
        yield* start("a", { store })
        yield* start("b", { store })
        for (let hour = 0; hour < 4; hour++) {
          yield* pass(60)
          firing()
        }
      }))

    story(
      "when the token endpoint is down for three minutes",
      ({ firing, mock, pass, start }) =>
        Effect.gen(function*() {
          yield* start("a")
          yield* pass(48)
          yield* mock.inject("token", Fault.status(503), { times: Infinity })
          yield* pass(3)
          yield* mock.clearFaults
          for (let minute = 0; minute < 20; minute++) {
            yield* pass(1)
            firing()
          }
        })
    )

    story("when tokens are revoked once, under load", ({ firing, mock, pass, start }) =>
      Effect.gen(function*() {
        const { call } = yield* start("a")
        yield* pass(10)
        yield* mock.revokeTokens
        yield* call(50)
        for (let minute = 0; minute < 30; minute++) {
          yield* pass(1)
          firing()
        }
      }))

    story("when a process is started anew", ({ firing, pass, start }) =>
      Effect.gen(function*() {
        for (let times = 0; times < 5; times++) {
          const { die } = yield* start("a")
          yield* pass(13)
          firing()
          yield* die
          yield* pass(1)
          firing()
        }
      }))

    story("when one of two processes is gone", ({ firing, pass, start }) =>
      Effect.gen(function*() {
        const { die } = yield* start("a")
        yield* start("b")
        yield* pass(10)
        yield* die
        yield* pass(60)
        firing()
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
      yield* pass(2)
      firing({ SpotnanaCredentialsRefused: ["a"] })
      yield* pass(20)
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

  story("the vault cannot be read", ({ firing, pass, start }) =>
    Effect.gen(function*() {
      const { set, source } = sources()
      yield* start("a", { source })
      yield* pass(40)
      yield* set(Effect.fail("sealed"))
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
      yield* start("a", { source: { current: Effect.fail("sealed") } })
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
        firing({ SpotnanaCredentialsRefused: ["a"], SpotnanaNoToken: ["a"] })
        yield* die
        // What it counted is within the last ten minutes for ten minutes more.
        yield* pass(1)
        firing({ SpotnanaCredentialsRefused: ["a"], SpotnanaNoToken: ["a"] })
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
