/** Why a path is refused if `Url.hasDotSegment` of the engine returns `true` for it. */
export const dotSegmentRefused =
  "The path has a segment . or .., plain or encoded, and could lead out of the configured address."
