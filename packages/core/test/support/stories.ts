/** Stories of processes and their troubles, whose alerts Prometheus judges. */
import type { Credentials } from "@effect-spotnana/core"
import { Effect, Random } from "effect"
import type { Scope } from "effect"
import { clientId, clientSecret } from "./harness.ts"
import * as Lives from "./lives.ts"
import * as Promtool from "./promtool.ts"
import * as Rules from "./rules.ts"

/** Which alerts fire, and for which processes; for another client id than the usual one it follows the process's name. */
type Firing = Readonly<Record<string, ReadonlyArray<string>>>

export interface Story extends Lives.World {
  /** Says which alerts fire now. All others are silent. */
  readonly firing: (firing?: Firing) => void
  /** Lets time pass in which none fires at any minute. */
  readonly quiet: (minutes: number) => Effect.Effect<void>
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

/** Which alerts have fired in any story. */
export const fired = new Set<string>()

/** Tells a story, and says what fired against its expectations. */
export const judge = (
  name: string,
  tell: (story: Story) => Effect.Effect<void, never, Scope.Scope>
): Effect.Effect<string, never, Scope.Scope> =>
  Effect.gen(function*() {
    const world = yield* Lives.make
    const expectations: Array<Promtool.Expectation> = []
    const firing = (now: Firing = {}) => {
      for (const alert of Object.keys(now)) fired.add(alert)
      for (const alert of Rules.alerts) {
        expectations.push(expectation(alert, world.now(), now[alert.alert] ?? []))
      }
    }
    const quiet = (minutes: number) =>
      Effect.replicateEffect(Effect.andThen(world.pass(1), Effect.sync(firing)), minutes, { discard: true })
    yield* tell({ ...world, firing, quiet })
    return Promtool.testRules(Rules.file, world.series.values(), expectations)
  }).pipe(Random.withSeed(name))

/** A source of credentials that can change. */
export const sources = () => {
  let current: Effect.Effect<Credentials.ClientCredentials, string> = Effect.succeed({ clientId, clientSecret })
  return {
    source: { current: Effect.suspend(() => current) },
    set: (next: typeof current) => Effect.sync(() => void (current = next))
  }
}
