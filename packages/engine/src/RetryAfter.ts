/**
 * How long to wait before the next request, as the headers of an answer say: `Retry-After` (RFC 9110 §10.2.3) and what
 * servers send beside it or in its place.
 *
 * @since 0.1.0
 */

// The engine is compiled without the types of any platform. Every platform has this one. It is used only for
// arithmetic, not as a clock.
declare const Date: { readonly UTC: (year: number, month: number, ...rest: ReadonlyArray<number>) => number }

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

/** RFC 9110 §5.6.7, and RFC 3339. The name of the day is not compared with the date; without an offset it is UTC. */
const dateForms = [
  // Sun, 06 Nov 1994 08:49:37 GMT
  /^(?:mon|tue|wed|thu|fri|sat|sun), (?<day>\d\d) (?<month>[a-z]{3}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) gmt$/i,
  // Sunday, 06-Nov-94 08:49:37 GMT
  /^(?:mon|tues|wednes|thurs|fri|satur|sun)day, (?<day>\d\d)-(?<month>[a-z]{3})-(?<year>\d\d) (?<time>\d\d:\d\d:\d\d) gmt$/i,
  // Sun Nov  6 08:49:37 1994
  /^(?:mon|tue|wed|thu|fri|sat|sun) (?<month>[a-z]{3}) (?<day> \d|\d\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/i,
  // 1994-11-06T08:49:37.5+01:00
  /^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)[t ](?<time>\d\d:\d\d:\d\d(?:\.\d+)?)(?:z|(?<offset>[+-]\d\d:?\d\d))?$/i
]

const second = 1000
const day = 86_400_000

/** Milliseconds since the Unix epoch; undefined if it is not a date. */
const parseDate = (text: string): number | undefined => {
  const parts = dateForms.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined)
  if (parts === undefined) return undefined
  const { day: dayOfMonth, month, offset, time, year } = parts as
    & Readonly<Record<"day" | "month" | "time" | "year", string>>
    & { readonly offset?: string }
  const written = Number(year)
  // Years of two digits from 70 on are in the last century.
  const fullYear = year.length === 4 ? written : written + (written < 70 ? 2000 : 1900)
  const monthIndex = month.length === 2 ? Number(month) - 1 : months.indexOf(month.toLowerCase())
  const [hours, minutes, seconds] = time.split(":").map(Number) as [number, number, number]
  const daysBefore = Number(dayOfMonth) - 1
  const firstOfMonth = Date.UTC(fullYear, monthIndex, 1)
  // 23:59:60 is a leap second, which counts as the following one.
  const isPossible = monthIndex in months && daysBefore >= 0 &&
    firstOfMonth + daysBefore * day < Date.UTC(fullYear, monthIndex + 1, 1) &&
    hours <= 23 && minutes <= 59 && seconds <= 60
  if (!isPossible) return undefined
  const [, sign, hoursAhead, minutesAhead] = /([+-])(\d\d):?(\d\d)/.exec(offset ?? "") ?? []
  const ahead = sign === undefined ? 0 : Number(`${sign}1`) * (Number(hoursAhead) * 60 + Number(minutesAhead))
  return firstOfMonth + daysBefore * day + ((hours * 60 + minutes - ahead) * 60 + seconds) * second
}

/** If a server may send a delay in seconds or a moment, larger numbers are moments since the Unix epoch. */
const largestDelay = 1e9

/** Milliseconds until a moment, in milliseconds since the Unix epoch. */
const until = (moment: number | undefined, now: number): number | undefined =>
  moment === undefined ? undefined : Math.max(0, moment - now)

/** Milliseconds: a number of this unit, or what is left until a date. */
const delayOf = (text: string, unit: number, now: number): number | undefined =>
  /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * unit : until(parseDate(text), now)

const resetDelayOf = (text: string, now: number): number | undefined => {
  const number = Number(text)
  return number > largestDelay
    ? until(number > largestDelay * second ? number : number * second, now)
    : delayOf(text, second, now)
}

/** How long to wait for a quota; nothing if it is not used up: `"hour";r=0;t=30`, or in earlier drafts `reset=30`. */
const quotaDelayOf = (text: string): number | undefined =>
  /;\s*r=0*[1-9]/.test(text) ? undefined : Number(/(?:;\s*t|\breset)=(\d+)/.exec(text)?.[1] ?? NaN) * second

/**
 * The longest delay in a header, which is a list if it was sent several times. A date also contains a comma, after the
 * name of the day.
 */
const longest = (
  header: string | undefined,
  delayOf: (text: string) => number | undefined
): number | undefined => {
  const delays = (header?.match(/\s*(?:[a-z]+,)?[^,]+/gi) ?? [])
    .map((text) => delayOf(text.trim()) ?? NaN)
    .filter((delay) => !Number.isNaN(delay))
  return delays.length === 0 ? undefined : Math.min(Math.round(Math.max(...delays)), Number.MAX_SAFE_INTEGER)
}

/**
 * How long to wait, in milliseconds: a finite number that is not negative. Undefined if no header says so.
 *
 * **Details**
 *
 * The first of these headers that can be read:
 *
 * 1. `retry-after-ms` and `x-ms-retry-after-ms`: milliseconds. Servers that send one send `Retry-After` too, with the
 *    same delay in whole seconds (Azure SDK and OpenAI SDK read them in this order).
 * 2. `Retry-After`: seconds, also with a fraction; an HTTP date in any of its three forms (RFC 9110 §5.6.7); or a date
 *    of RFC 3339. If it is sent several times, the longest counts. A date in the past is 0.
 * 3. If `isRateLimited`, when the quota is whole again: `RateLimit` and `RateLimit-Reset`
 *    (draft-ietf-httpapi-ratelimit-headers; `Retry-After` takes precedence), then `X-RateLimit-Reset` and
 *    `X-Rate-Limit-Reset`, in seconds or since the Unix epoch. Servers send these with any answer. With an error that
 *    is about something else, they say nothing about the next attempt.
 *
 * The caller limits the result with `Policy.retryAfterMaximum`.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parse = (
  /** With names in lower case. */
  headers: Readonly<Record<string, string | undefined>>,
  /** Milliseconds since the Unix epoch. */
  now: number,
  /** Whether the answer says that there were too many requests. */
  isRateLimited: boolean
): number | undefined => {
  const delay = (name: string, unit: number) => longest(headers[name], (text) => delayOf(text, unit, now))
  const reset = (name: string) => longest(headers[name], (text) => resetDelayOf(text, now))
  return delay("retry-after-ms", 1) ?? delay("x-ms-retry-after-ms", 1) ?? delay("retry-after", second) ??
    (isRateLimited
      ? longest(headers["ratelimit"], quotaDelayOf) ?? reset("ratelimit-reset") ?? reset("x-ratelimit-reset") ??
        reset("x-rate-limit-reset")
      : undefined)
}
