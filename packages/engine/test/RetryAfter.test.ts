import { RetryAfter } from "@effect-spotnana/engine"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Result, Schema } from "effect"
import { Headers } from "effect/http"

const now = Date.UTC(2030, 0, 1)

/** What Effect makes of the header. */
const byEffect = (header: string): number | undefined =>
  Result.match(Headers.parseRetryAfter(header), {
    onFailure: () => undefined,
    onSuccess: (parsed) => Math.min(Duration.toMillis(Headers.retryAfterDelay(parsed, now)), Number.MAX_SAFE_INTEGER)
  })

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

/** The three forms of a date (RFC 9110 §5.6.7). */
const forms = (millis: number): ReadonlyArray<string> => {
  const date = new Date(millis)
  const [, day, month, year, time] = /^\w+, (\d\d) (\w+) (\d+) ([\d:]+) GMT$/.exec(date.toUTCString())!
  const weekday = days[date.getUTCDay()]!
  return [
    date.toUTCString(),
    `${weekday}, ${day}-${month}-${year!.slice(-2)} ${time} GMT`,
    `${weekday.slice(0, 3)} ${month} ${day!.replace(/^0/, " ")} ${time} ${year}`
  ]
}

const parse = (headers: Readonly<Record<string, string | undefined>>) => RetryAfter.parse(headers, now, false)
const retryAfter = (header: string | undefined) => parse({ "retry-after": header })

describe("Retry-After", () => {
  it.each<[string | undefined, number | undefined]>([
    [undefined, undefined],
    ["", undefined],
    ["120", 120_000],
    [" 120 ", 120_000],
    ["0", 0],
    ["Tue, 01 Jan 2030 00:01:30 GMT", 90_000],
    ["tue, 01 jan 2030 00:01:30 gmt", 90_000],
    ["Tuesday, 01-Jan-30 00:01:30 GMT", 90_000],
    ["Tue Jan  1 00:01:30 2030", 90_000],
    // In the past.
    ["Sun, 06 Nov 1994 08:49:37 GMT", 0],
    ["Sunday, 06-Nov-94 08:49:37 GMT", 0],
    // A leap second, and a leap day.
    ["Tue, 01 Jan 2030 23:59:60 GMT", 86_400_000],
    ["Tue, 29 Feb 2032 00:00:00 GMT", Date.UTC(2032, 1, 29) - now],
    ["Mon, 29 Feb 2100 00:00:00 GMT", undefined],
    ["Fri, 31 Jun 2030 00:00:00 GMT", undefined],
    ["Tue, 00 Jan 2030 00:00:00 GMT", undefined],
    ["Tue, 01 Foo 2030 00:00:00 GMT", undefined],
    ["Tue, 01 Jan 2030 24:00:00 GMT", undefined],
    ["Tue, 01 Jan 2030 00:60:00 GMT", undefined],
    ["Tue, 01 Jan 2030 00:00:61 GMT", undefined],
    ["Tue, 1 Jan 2030 00:00:00 GMT", undefined],
    ["Tue, 01 Jan 2030 00:00:00 CET", undefined],
    ["-5", undefined],
    ["1e3", undefined],
    ["0x10", undefined],
    ["120 seconds", undefined]
  ])("invariant 5: Retry-After %j is %s ms, as RFC 9110 has it", (header, expected) => {
    assert.strictEqual(retryAfter(header), expected)
    if (header !== undefined) assert.strictEqual(byEffect(header), expected)
  })

  it.each<[string, number | undefined]>([
    ["2.128", 2_128],
    ["0.0004", 0],
    ["1.", undefined],
    [".5", undefined],
    // Sent twice: the longest counts.
    ["5, 120", 120_000],
    ["120,5", 120_000],
    ["soon, 5", undefined],
    ["5, soon", 5_000],
    ["5,", 5_000],
    [",", undefined],
    ["5, Tue, 01 Jan 2030 00:01:30 GMT", 90_000],
    ["Tue, 01 Jan 2030 00:01:30 GMT, 5", 90_000],
    ["Tue, 01 Jan 2030 00:01:30 GMT, Tuesday, 01-Jan-30 00:02:00 GMT", 120_000],
    ["2030-01-01T00:01:30Z", 90_000],
    ["2030-01-01t00:01:30z", 90_000],
    ["2030-01-01 00:01:30", 90_000],
    ["2030-01-01T00:01:30.5Z", 90_500],
    ["2030-01-01T01:01:30+01:00", 90_000],
    ["2029-12-31T18:31:30-0530", 90_000],
    ["2029-12-31T23:59:59Z", 0],
    ["2030-13-01T00:00:00Z", undefined],
    ["2030-00-01T00:00:00Z", undefined],
    ["2030-02-29T00:00:00Z", undefined],
    ["2030-01-01", undefined]
  ])("invariant 5: Retry-After %j is %s ms, although RFC 9110 does not have it", (header, expected) => {
    assert.strictEqual(retryAfter(header), expected)
  })

  it("invariant 12: a number of seconds without end is a finite delay", () => {
    assert.strictEqual(retryAfter("9".repeat(400)), Number.MAX_SAFE_INTEGER)
  })

  it.prop("invariant 5: a date is read as Effect reads it, in each of the three forms", {
    seconds: Schema.Int.check(Schema.isBetween({ minimum: -2_000_000_000, maximum: 30_000_000_000 }))
  }, ({ seconds }) => {
    for (const form of forms(seconds * 1000)) {
      assert.isDefined(byEffect(form))
      assert.strictEqual(retryAfter(form), byEffect(form), form)
    }
    assert.strictEqual(retryAfter(forms(seconds * 1000)[0]), Math.max(0, seconds * 1000 - now))
  })

  it.prop("invariant 5: a date of RFC 3339 is read as the platform reads it", {
    millis: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30_000_000_000_000 }))
  }, ({ millis }) => {
    assert.strictEqual(retryAfter(new Date(millis).toISOString()), Math.max(0, millis - now))
  })

  it.prop("invariant 12: any text that Effect reads is read as Effect reads it, and no other fails", {
    text: Schema.Union([
      Schema.String,
      Schema.String.check(Schema.isPattern(/^ ?-?\d{0,20}$/)),
      Schema.String.check(
        Schema.isPattern(/^(Mon|Tue), [0-3]\d (Jan|Feb|Jun|Foo) [0-2]\d\d\d [0-2]\d:[0-6]\d:[0-6]\d (GMT|UTC)$/)
      )
    ])
  }, ({ text }) => {
    const read = retryAfter(text)
    if (byEffect(text) !== undefined) assert.strictEqual(read, byEffect(text))
    if (read !== undefined) assert.isTrue(read >= 0 && read <= Number.MAX_SAFE_INTEGER)
  })
})

describe("the headers beside it", () => {
  it.each<[string, Record<string, string>, number | undefined]>([
    ["milliseconds", { "retry-after-ms": "2128" }, 2_128],
    ["milliseconds of Azure", { "x-ms-retry-after-ms": "2128.6" }, 2_129],
    ["0 milliseconds", { "retry-after-ms": "0", "retry-after": "7" }, 0],
    ["milliseconds, which are more exact", { "retry-after-ms": "2128", "retry-after": "3" }, 2_128],
    ["seconds, where the milliseconds cannot be read", { "retry-after-ms": "soon", "retry-after": "3" }, 3_000]
  ])("invariant 5: the first that can be read counts: %s", (_, headers, expected) => {
    assert.strictEqual(parse(headers), expected)
    assert.strictEqual(RetryAfter.parse(headers, now, true), expected)
  })

  const epoch = now / 1000 + 30

  it.each<[string, string, number | undefined]>([
    ["ratelimit", "\"default\";r=0;t=30", 30_000],
    ["ratelimit", "\"minute\";r=0;t=30, \"hour\"; r=0; t=90, \"day\";r=12;t=9999", 90_000],
    ["ratelimit", "\"day\";r=12;t=9999", undefined],
    ["ratelimit", "limit=100, remaining=0, reset=30", 30_000],
    ["ratelimit", "\"default\";r=0", undefined],
    ["ratelimit-reset", "30", 30_000],
    ["x-ratelimit-reset", "30", 30_000],
    ["x-ratelimit-reset", String(epoch), 30_000],
    ["x-ratelimit-reset", String(epoch * 1000), 30_000],
    ["x-ratelimit-reset", String(now / 1000 - 30), 0],
    ["x-ratelimit-reset", new Date(epoch * 1000).toISOString(), 30_000],
    ["x-ratelimit-reset", "1m30s", undefined],
    ["x-rate-limit-reset", String(epoch), 30_000]
  ])("invariant 5: where there were too many requests, %s: %j is %s ms", (name, value, expected) => {
    assert.strictEqual(RetryAfter.parse({ [name]: value }, now, true), expected)
    assert.isUndefined(RetryAfter.parse({ [name]: value }, now, false), "of another error it says nothing")
    assert.strictEqual(RetryAfter.parse({ [name]: value, "retry-after": "7" }, now, true), 7_000)
  })
})
