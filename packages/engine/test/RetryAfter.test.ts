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

describe("RetryAfter", () => {
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
    ["2030-01-01T00:01:30Z", undefined],
    ["-5", undefined],
    ["1.5", undefined],
    ["1e3", undefined],
    ["0x10", undefined],
    ["120 seconds", undefined]
  ])("invariant 5: Retry-After %j is %s ms", (header, expected) => {
    assert.strictEqual(RetryAfter.parse(header, now), expected)
    if (header !== undefined) assert.strictEqual(byEffect(header), expected)
  })

  it("invariant 12: a number of seconds without end is a finite delay", () => {
    assert.strictEqual(RetryAfter.parse("9".repeat(400), now), Number.MAX_SAFE_INTEGER)
  })

  it.prop("invariant 5: a date is read as Effect reads it, in each of the three forms", {
    seconds: Schema.Int.check(Schema.isBetween({ minimum: -2_000_000_000, maximum: 30_000_000_000 }))
  }, ({ seconds }) => {
    for (const form of forms(seconds * 1000)) {
      assert.isDefined(byEffect(form))
      assert.strictEqual(RetryAfter.parse(form, now), byEffect(form), form)
    }
    assert.strictEqual(RetryAfter.parse(forms(seconds * 1000)[0], now), Math.max(0, seconds * 1000 - now))
  })

  it.prop("invariant 12: any text is read as Effect reads it", {
    text: Schema.Union([
      Schema.String,
      Schema.String.check(Schema.isPattern(/^ ?-?\d{0,20}$/)),
      Schema.String.check(
        Schema.isPattern(/^(Mon|Tue), [0-3]\d (Jan|Feb|Jun|Foo) [0-2]\d\d\d [0-2]\d:[0-6]\d:[0-6]\d (GMT|UTC)$/)
      )
    ])
  }, ({ text }) => {
    assert.strictEqual(RetryAfter.parse(text, now), byEffect(text))
  })
})
