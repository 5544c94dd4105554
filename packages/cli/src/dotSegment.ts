/**
 * Whether a path has a segment `.` or `..`, however it is written: it would be resolved on the way, and lead out of what
 * the configured address names (RFC 3986 §5.2.4).
 *
 * The URL Standard leaves out tabs and line breaks wherever they are, and white space at the end; it takes `%2e` for a dot
 * and `\` for a slash. Servers decode `%2f` and `%5c`, and some leave out what a segment has after `;`.
 */
export const hasDotSegment = (target: string): boolean =>
  target
    .replaceAll(/[\t\n\r]/g, "")
    .replace(/[?#].*$/s, "")
    .replace(/[\x00-\x20]+$/, "")
    .replaceAll(/%2e/gi, ".")
    .split(/[/\\]|%2f|%5c/i)
    .some((segment) => /^\.{1,2}(?:;.*)?$/s.test(segment))

/** Why such a path is refused. */
export const dotSegmentRefused = "The path has a segment of dots, which could lead out of the configured address."
