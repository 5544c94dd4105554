/**
 * Whether a path has a segment `.` or `..`, however it is written: it would be resolved on the way, and lead out of what
 * the configured address names (RFC 3986 §5.2.4; the URL Standard takes `%2e` for a dot and `\` for a slash).
 */
export const hasDotSegment = (target: string): boolean =>
  /(?:^|[/\\])(?:\.|%2e){1,2}(?:[/\\]|$)/i.test(target.replace(/[?#].*$/s, ""))
