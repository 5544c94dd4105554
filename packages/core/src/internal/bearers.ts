import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import { Headers } from "effect/http"
import type { HttpClientRequest } from "effect/http"
import * as Redacted from "effect/Redacted"
import type { AccessToken } from "../AccessToken.ts"
import { authorizationOf } from "./bare.ts"
import { userAgent } from "./userAgent.ts"

/** A token as it goes into a request. */
interface Bearer {
  readonly token: AccessToken
  readonly authorization: string
  readonly headers: Headers.Headers
}

/** The bearers that a client sends, and sent. */
export interface Bearers {
  /** Built once per token, not once per request. */
  readonly of: (token: AccessToken) => Bearer
  /** The token that a request went out with, if it was one of these. */
  readonly usedFor: (request: HttpClientRequest.HttpClientRequest) => AccessToken | undefined
  /** What no text from outside may show. */
  readonly secrets: () => ReadonlyArray<string>
}

/** No request that was sent with a token is still under way so long after the token expired. */
const memory = Duration.hours(1)

export const makeBearers = (): Bearers => {
  let latest: Bearer | undefined
  let earlier: ReadonlyArray<Bearer> = []
  const all = () => latest === undefined ? earlier : [latest, ...earlier]
  return {
    of: (token) => {
      if (latest?.token === token) return latest
      const forgotten = DateTime.subtractDuration(token.issuedAt, memory)
      earlier = all().filter((bearer) => DateTime.isGreaterThan(bearer.token.expiresAt, forgotten))
      const authorization = `Bearer ${Redacted.value(token.value)}`
      const headers = Headers.fromRecordUnsafe({ "user-agent": userAgent, authorization })
      return latest = { token, authorization, headers }
    },
    usedFor: (request) => {
      const authorization = authorizationOf(request)
      return latest?.authorization === authorization
        ? latest?.token
        : earlier.find((bearer) => bearer.authorization === authorization)?.token
    },
    secrets: () => all().map(({ token }) => Redacted.value(token.value))
  }
}
