/**
 * The `Retry-After` header (RFC 9110 §10.2.3).
 *
 * @since 0.1.0
 */

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
const monthLengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** RFC 9110 §5.6.7. The name of the day is not compared with the date. */
const dateForms = [
  // Sun, 06 Nov 1994 08:49:37 GMT
  /^(?:mon|tue|wed|thu|fri|sat|sun), (?<day>\d\d) (?<month>[a-z]{3}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) gmt$/i,
  // Sunday, 06-Nov-94 08:49:37 GMT
  /^(?:mon|tues|wednes|thurs|fri|satur|sun)day, (?<day>\d\d)-(?<month>[a-z]{3})-(?<year>\d\d) (?<time>\d\d:\d\d:\d\d) gmt$/i,
  // Sun Nov  6 08:49:37 1994
  /^(?:mon|tue|wed|thu|fri|sat|sun) (?<month>[a-z]{3}) (?<day> \d|\d\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/i
]

const isLeapYear = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)

const daysFromYearZeroTo1970 = 719_528

/** Days from 1970-01-01 to the first of January of a year. */
const daysToYear = (year: number): number =>
  365 * year + Math.ceil(year / 4) - Math.ceil(year / 100) + Math.ceil(year / 400) - daysFromYearZeroTo1970

/** Milliseconds since the Unix epoch; undefined where it is no HTTP date. By hand: `Date` is a clock, too. */
const parseDate = (text: string): number | undefined => {
  const parts = dateForms.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined)
  if (parts === undefined) return undefined
  const { day, month, time, year } = parts as Readonly<Record<"day" | "month" | "time" | "year", string>>
  const written = Number(year)
  // Of two digits the ones from 70 on are of the last century.
  const fullYear = year.length === 4 ? written : written + (written < 70 ? 2000 : 1900)
  const monthIndex = months.indexOf(month.toLowerCase())
  const [hours, minutes, seconds] = time.split(":").map(Number) as [number, number, number]
  const lengthOf = (index: number): number => monthLengths[index]! + (index === 1 && isLeapYear(fullYear) ? 1 : 0)
  const dayOfMonth = Number(day)
  // 23:59:60 is a leap second, which counts as the following one.
  const isPossible = monthIndex >= 0 && dayOfMonth >= 1 && dayOfMonth <= lengthOf(monthIndex) &&
    hours <= 23 && minutes <= 59 && seconds <= 60
  if (!isPossible) return undefined
  const daysBefore = months.slice(0, monthIndex).reduce((days, _, index) => days + lengthOf(index), 0)
  const days = daysToYear(fullYear) + daysBefore + dayOfMonth - 1
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
}

/**
 * How long to wait, in milliseconds: a finite number that is not negative.
 *
 * **Details**
 *
 * Both forms are read, whole seconds and an HTTP date in any of its three forms;
 * a date in the past is 0. Undefined where the header is absent or neither.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parse = (header: string | undefined, now: number): number | undefined => {
  const text = header?.trim() ?? ""
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, Number.MAX_SAFE_INTEGER)
  const date = parseDate(text)
  return date === undefined ? undefined : Math.max(0, date - now)
}
