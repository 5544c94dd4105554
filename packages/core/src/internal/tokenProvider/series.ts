import * as Context from "effect/Context"
import * as Metric from "effect/Metric"

/** For so long counters of a client id stay after its last provider was closed: several scrapes. In milliseconds. */
const grace = 120_000
/** Looking through the registry takes time, so that it is not done more often than this. In milliseconds. */
const sweepInterval = 30_000

/** The labels that counters are told apart by; `client_id` is absent where they are of the whole environment. */
interface Labels {
  readonly environment?: string
  readonly client_id?: string
}

const keyOf = ({ client_id: client, environment }: Labels): string =>
  client === undefined ? `${environment}` : `${environment}\n${client}`

/**
 * Which labels the providers of a process count under in one registry.
 *
 * The registry keeps a series until it is removed. With thousands of clients that come and go, those of the ones that went
 * are removed, by whichever provider does something next: a timer would keep the process from ending.
 */
class SeriesInUse {
  readonly #registry: Metric.MetricRegistry
  /** How many providers use them. */
  readonly #users = new Map<string, number>()
  /** When the last of them was closed, in that order. */
  readonly #released = new Map<string, number>()
  #sweptAt = -Infinity

  constructor(registry: Metric.MetricRegistry) {
    this.#registry = registry
  }

  retain(labels: Labels): void {
    const key = keyOf(labels)
    this.#released.delete(key)
    this.#users.set(key, (this.#users.get(key) ?? 0) + 1)
  }

  release(labels: Labels, now: number): void {
    const key = keyOf(labels)
    const users = (this.#users.get(key) ?? 1) - 1
    if (users > 0) {
      this.#users.set(key, users)
    } else {
      this.#users.delete(key)
      this.#released.set(key, now)
    }
  }

  /** Removes what was released long enough ago. */
  sweep(now: number): void {
    const isOver = (at: number): boolean => now - at >= grace
    const [oldest = Infinity] = this.#released.values()
    if (!isOver(oldest) || now - this.#sweptAt < sweepInterval) return
    this.#sweptAt = now
    const over = new Set<string>()
    for (const [key, at] of this.#released) {
      if (!isOver(at)) break
      over.add(key)
      this.#released.delete(key)
    }
    for (const [name, { attributes, id }] of this.#registry) {
      if (id.startsWith("spotnana_auth_") && over.has(keyOf(attributes ?? {}))) this.#registry.delete(name)
    }
  }
}

const inUse = /* #__PURE__ */ new WeakMap<Metric.MetricRegistry, SeriesInUse>()

/** Of the registry that these services count in. */
export const seriesInUse = (context: Context.Context<never>): SeriesInUse => {
  const registry = Context.get(context, Metric.MetricRegistry)
  const known = inUse.get(registry) ?? new SeriesInUse(registry)
  inUse.set(registry, known)
  return known
}

export type { SeriesInUse }
