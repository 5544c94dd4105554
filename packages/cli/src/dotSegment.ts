/** Why a path is refused that `Url.hasDotSegment` of the engine finds one in. */
export const dotSegmentRefused =
  "The path has a segment . or .., plain or encoded, and could lead out of the configured address."
