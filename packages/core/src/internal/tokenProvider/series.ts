import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import { oncePer } from "../oncePer.ts"

/**
 * How long the counters of a client id stay after its last provider was closed, in milliseconds: for several scrapes.
 */
const grace = 120_000
/** The shortest time between two sweeps of the registry, in milliseconds, because a sweep takes time. */
const sweepInterval = 30_000

/** The labels of a series, and the annotations of a log line; without `client_id` it is of the whole environment. */
export type Labels = {
  readonly environment?: string
  readonly client_id?: string
}

const keyOf = (
  { client_id: client = "", environment }: Readonly<Partial<Record<string, string | undefined>>>
): string => `${environment}\n${client}`

// No series has this key.
const aloneKeyOf = (labels: Labels): string => `${keyOf(labels)}\nalone`

/**
 * The labels under which the providers of a process count in one registry.
 *
 * The registry keeps a series until it is removed. With thousands of clients that come and go, the series of closed
 * ones must be removed. Whichever provider does something next removes them, because a timer would keep the process
 * from ending.
 */
export class SeriesInUse {
  readonly #registry: Metric.MetricRegistry
  /** How many providers use them. */
  readonly #users = new Map<string, number>()
  /** When the last of them was closed, in that order. */
  readonly #released = new Map<string, number>()
  #sweptAt = -Infinity

  constructor(registry: Metric.MetricRegistry) {
    this.#registry = registry
  }

  /** Whether a provider requests tokens for this client id by itself, or did so until recently. */
  hasAlone(labels: Labels): boolean {
    const key = aloneKeyOf(labels)
    return this.#users.has(key) || this.#released.has(key)
  }

  /** Adds or removes one user. It is alone if it shares its tokens with no other provider. */
  change(labels: Labels, by: 1 | -1, now: number, isAlone: boolean): void {
    const keys = [keyOf(labels), keyOf({ environment: labels.environment }), ...isAlone ? [aloneKeyOf(labels)] : []]
    for (const key of keys) {
      const users = (this.#users.get(key) ?? 0) + by
      if (users > 0) {
        this.#users.set(key, users)
        this.#released.delete(key)
      } else {
        this.#users.delete(key)
        this.#released.set(key, now)
      }
    }
  }

  /** Removes what was released long enough ago. */
  sweep(now: number): void {
    const [oldest = Infinity] = this.#released.values()
    if (now - oldest < grace || now - this.#sweptAt < sweepInterval) return
    this.#sweptAt = now
    const over = new Set<string>()
    for (const [key, at] of this.#released) {
      if (now - at < grace) break
      over.add(key)
      this.#released.delete(key)
    }
    for (const [name, { attributes = {}, id }] of this.#registry) {
      if (id.startsWith("spotnana_auth_") && over.has(keyOf(attributes))) this.#registry.delete(name)
    }
  }
}

const ofRegistry = /* #__PURE__ */ oncePer((registry: Metric.MetricRegistry) => new SeriesInUse(registry))

/** For the registry in which these services count. */
export const seriesInUse = (context: Context.Context<never>): SeriesInUse =>
  ofRegistry(Context.get(context, Metric.MetricRegistry))
