/** Why a path is refused that `Url.hasDotSegment` of the engine finds one in. */
export const dotSegmentRefused =
  "The path has a segment of dots, in this or in another spelling: it could lead out of the configured address."
