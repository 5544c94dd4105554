/** How long a closed provider still counts, in milliseconds. */
const grace = 120_000

interface Entry {
  users: number
  /** When the last of them was closed, on the monotonic clock. */
  releasedAt: number
}

/** The providers of this process that request tokens by themselves, by environment and client id. */
export class AloneProviders {
  readonly #entries = new Map<string, Entry>()

  /** Adds a provider. Returns whether there is another one, or was until recently. */
  enter(key: string, now: number): boolean {
    for (const [other, { releasedAt, users }] of this.#entries) {
      if (users === 0 && now - releasedAt >= grace) this.#entries.delete(other)
    }
    const entry = this.#entries.get(key)
    this.#entries.set(key, { users: (entry?.users ?? 0) + 1, releasedAt: 0 })
    return entry !== undefined
  }

  leave(key: string, now: number): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    entry.users--
    entry.releasedAt = now
  }
}
