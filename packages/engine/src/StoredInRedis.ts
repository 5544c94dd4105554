/**
 * The scripts of a store in Redis, and the names of its keys. The clients for
 * every version of Effect share them.
 *
 * Every time is in milliseconds.
 *
 * @since 0.1.0
 */

/**
 * The keys and the channel of one token. The braces keep the keys in one slot of a cluster.
 *
 * @category naming
 * @since 0.1.0
 */
export const names = (
  namespace: string,
  key: string
): { readonly token: string; readonly lease: string; readonly channel: string } => {
  const base = `${namespace}:{${key}}`
  return { token: `${base}:token`, lease: `${base}:lease`, channel: `${base}:changes` }
}

// A version that something else has written, and from which the server's clock could not count on, is none. The limit is
// below 2^53, and is reached in the year 2255.
const counts = `
local function counts(version)
  return version and string.match(version, "^%d+$") and tonumber(version) < 9000000000000000
end`

/**
 * Takes the lease, if it is free. Keys: lease, token. Arguments: its time. Returns `granted`, the time that is left of
 * the lease of another process, and the value of the lease.
 *
 * **Details**
 *
 * Times are those of the server. A fencing token is the server's clock in microseconds, so it continues to rise after a
 * restart without data. The value of the lease is its fencing token; that of a backoff is its failure after an
 * exclamation mark.
 *
 * @category scripts
 * @since 0.1.0
 */
export const lease = `${counts}
local held = redis.call("GET", KEYS[1])
if held then return { 0, redis.call("PTTL", KEYS[1]), held } end
local time = redis.call("TIME")
local fence = time[1] * 1000000 + time[2]
local version = redis.call("HGET", KEYS[2], "version")
local last = counts(version) and tonumber(version) or 0
if fence <= last then fence = last + 1 end
fence = string.format("%.0f", fence)
redis.call("SET", KEYS[1], fence, "PX", ARGV[1])
return { 1, 0, fence }`

/**
 * Extends the lease of a fencing token. Keys: lease. Arguments: fencing token,
 * time. Returns 0 if the lease is over.
 *
 * @category scripts
 * @since 0.1.0
 */
export const extend = `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call("PEXPIRE", KEYS[1], ARGV[2])`

/**
 * Stores a payload and ends the lease. Keys: lease, token. Arguments: fencing token, payload, time, channel. Returns 0
 * if the lease is over: a process whose lease is over writes nothing, because the lease has another fencing token.
 *
 * @category scripts
 * @since 0.1.0
 */
export const write = `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
redis.call("DEL", KEYS[1], KEYS[2])
redis.call("HSET", KEYS[2], "version", ARGV[1], "payload", ARGV[2])
redis.call("PEXPIRE", KEYS[2], ARGV[3])
redis.call("PUBLISH", ARGV[4], ARGV[1])
return 1`

/**
 * Ends the lease. Keys: lease. Arguments: fencing token, time of the backoff, its
 * failure or an empty text for none, channel. Returns 0 if the lease is over.
 *
 * @category scripts
 * @since 0.1.0
 */
export const release = `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[3] == "" then redis.call("DEL", KEYS[1]) else redis.call("SET", KEYS[1], "!" .. ARGV[3], "PX", ARGV[2]) end
redis.call("PUBLISH", ARGV[4], "released")
return 1`

/**
 * What is stored. Keys: token. Returns version, payload and the time that is
 * left; empty texts if there is nothing.
 *
 * @category scripts
 * @since 0.1.0
 */
export const read = `${counts}
local found = redis.call("HMGET", KEYS[1], "version", "payload")
if not counts(found[1]) then return { "", "", -2 } end
return { found[1], found[2] or "", redis.call("PTTL", KEYS[1]) }`

/**
 * The change in a message on the channel: the version that was written, or a
 * word.
 *
 * @category decoding
 * @since 0.1.0
 */
export const changeOf = (
  message: string
): { readonly _tag: "Written"; readonly version: number } | { readonly _tag: "Released" } =>
  /^\d+$/.test(message) ? { _tag: "Written", version: Number(message) } : { _tag: "Released" }

/**
 * A fencing token, which the scripts return as a text. Throws a `RangeError` for
 * anything else: something else has written to the store.
 *
 * @category decoding
 * @since 0.1.0
 */
export const fenceOf = (text: string): number => {
  const fence = Number(text)
  if (Number.isSafeInteger(fence)) return fence
  throw new RangeError("Redis has no whole number where this library writes one")
}
