import { version } from "../version.ts"

/** The `User-Agent` of every request, unless the caller set one (RFC 9110 §10.1.5). */
export const userAgent = `effect-spotnana/${version}`
