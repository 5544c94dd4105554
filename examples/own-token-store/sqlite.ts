// A token store of one's own: what `TokenStore.Backend` asks for, on SQLite. Any database with transactions would do.
import { TokenStore } from "@effect-spotnana/core"
import { Clock, Duration, Effect, Option, Redacted, Schedule, Stream } from "effect"
import type { Scope } from "effect"
import { DatabaseSync } from "node:sqlite"

// A row stays when its times are over: so its fencing token goes on rising. A lease with a failure is a backoff.
const setup = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS tokens (
    key TEXT PRIMARY KEY,
    fence INTEGER NOT NULL, leasedUntil REAL NOT NULL, failure TEXT,
    version INTEGER, payload TEXT, storedUntil REAL NOT NULL DEFAULT 0,
    changes INTEGER NOT NULL DEFAULT 0
  ) STRICT`

interface Row {
  readonly fence: number
  readonly leasedUntil: number
  readonly failure: string | null
  readonly version: number
  readonly payload: string
  readonly storedUntil: number
  readonly changes: number
}

const ifHeld = "WHERE key = ? AND fence = ? AND leasedUntil > ? AND failure IS NULL"

export const makeSqlite = (file: string): Effect.Effect<TokenStore.Backend, TokenStore.TokenStoreError, Scope.Scope> =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const attempt = <A>(f: () => A) =>
      Effect.try({
        try: f,
        catch: (cause) => new TokenStore.TokenStoreError({ message: `The database ${file} cannot be used.`, cause })
      })
    const db = yield* Effect.acquireRelease(
      // While another process writes, this one waits: a second at most, then it goes on without the store.
      attempt(() => new DatabaseSync(file, { timeout: 1_000 })),
      (db) => Effect.sync(() => db.close())
    )
    yield* attempt(() => db.exec(setup))

    const now = () => clock.currentTimeMillisUnsafe()
    const until = (time: Duration.Duration) => now() + Duration.toMillis(time)
    const rowOf = (key: string) => db.prepare("SELECT * FROM tokens WHERE key = ?").get(key) as Row | undefined

    /** One process at a time. `f` reads the clock when it is its turn, so that the time it waited counts. */
    const atomic = <A>(f: () => A) =>
      attempt(() => {
        db.exec("BEGIN IMMEDIATE")
        try {
          const result = f()
          db.exec("COMMIT")
          return result
        } catch (error) {
          db.exec("ROLLBACK")
          throw error
        }
      })
    /** Says whether there was a row to change. */
    const update = (what: string, ...values: ReadonlyArray<string | number | null>) =>
      db.prepare(`UPDATE tokens SET ${what}`).run(...values).changes === 1

    return {
      name: "sqlite",
      read: (key) =>
        attempt(() => {
          const row = rowOf(key)
          if (row === undefined || row.storedUntil <= now()) return Option.none()
          const { payload, storedUntil, version } = row
          return Option.some({
            payload: Redacted.make(payload),
            version,
            timeLeft: Duration.millis(storedUntil - now())
          })
        }),
      lease: (key, time) =>
        atomic((): TokenStore.Lease => {
          const row = rowOf(key)
          const timeLeft = Duration.millis((row?.leasedUntil ?? 0) - now())
          if (row !== undefined && Duration.isPositive(timeLeft)) {
            return row.failure === null
              ? { _tag: "Held", timeLeft }
              : { _tag: "Backoff", timeLeft, failure: Redacted.make(row.failure) }
          }
          const fence = (row?.fence ?? 0) + 1
          const insert = "INSERT INTO tokens (key, fence, leasedUntil) VALUES (?, ?, ?)"
          const orUpdate =
            "ON CONFLICT DO UPDATE SET (fence, leasedUntil, failure) = (excluded.fence, excluded.leasedUntil, NULL)"
          db.prepare(`${insert} ${orUpdate}`).run(key, fence, until(time))
          return { _tag: "Granted", fence }
        }),
      extend: (key, fence, time) => atomic(() => update(`leasedUntil = ? ${ifHeld}`, until(time), key, fence, now())),
      write: (key, fence, payload, time) =>
        atomic(() => {
          const stored = "version = fence, payload = ?, storedUntil = ?"
          const values = [Redacted.value(payload), until(time)]
          return update(`${stored}, leasedUntil = 0, changes = changes + 1 ${ifHeld}`, ...values, key, fence, now())
        }),
      release: (key, fence, backoff) =>
        atomic(() => {
          const values = backoff === undefined ? [0, null] : [until(backoff.time), Redacted.value(backoff.failure)]
          update(`leasedUntil = ?, failure = ?, changes = changes + 1 ${ifHeld}`, ...values, key, fence, now())
        }),
      // SQLite notifies no other process: each looks every second.
      changes: (key) => {
        const look = attempt(() => ({ version: 0, changes: 0, ...rowOf(key) }))
        type Seen = Effect.Success<typeof look>
        const since = (before: Seen, now: Seen): readonly [Seen, ReadonlyArray<TokenStore.Change>] => {
          if (now.changes === before.changes) return [now, []]
          const { version } = now
          return [now, [version > before.version ? { _tag: "Written", version } : { _tag: "Released" }]]
        }
        const looks = Stream.fromEffectSchedule(look, Schedule.spaced("1 second"))
        return Effect.map(look, (before) => Stream.mapAccum(looks, () => before, since))
      }
    }
  })
