/**
 * A value between quotes. Uses the kind of quotes that the value does not contain. The value has no line break, because
 * the core refuses that.
 */
export const quoted = (value: string): string => {
  const quote = ["'", "\"", "`"].find((quote) => !value.includes(quote)) ?? "'"
  return quote + value + quote
}
