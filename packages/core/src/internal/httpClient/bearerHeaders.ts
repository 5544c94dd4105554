import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type { HttpClientRequest } from "effect/http"
import * as Headers from "effect/http/Headers"
import * as Redacted from "effect/Redacted"
import type { AccessToken } from "../../AccessToken.ts"
import { userAgent } from "../http/userAgent.ts"
import { authorizationOf } from "./withoutBearer.ts"

/** A token as it is sent, and what the API said about it. */
export interface Bearer {
  readonly token: AccessToken
  readonly authorization: string
  readonly headers: Headers.Headers
  /** How many requests were accepted with it. */
  accepted: number
  /** How many requests were rejected with it since it was accepted last. */
  rejectedInARow: number
}

/** No request is still in flight this long after its token expired. */
const retention = Duration.hours(1)
/** The last few are always kept: after the clock is set, all of them may look old. */
const alwaysKept = 2

const none: ReadonlyArray<Bearer> = []

/** The headers with the tokens that a client sends, and sent. */
export class BearerHeaders {
  #latest: Bearer | undefined
  #earlier = none

  get #all(): ReadonlyArray<Bearer> {
    return this.#latest === undefined ? this.#earlier : [this.#latest, ...this.#earlier]
  }

  /** Built once per token, not once per request. */
  of(token: AccessToken): Bearer {
    if (this.#latest?.token === token) return this.#latest
    const authorization = `Bearer ${Redacted.value(token.value)}`
    const known = this.#all.find((bearer) => bearer.authorization === authorization)
    if (known !== undefined) return known
    const forgotten = DateTime.subtractDuration(token.issuedAt, retention)
    this.#earlier = this.#all.filter((bearer, age) =>
      age < alwaysKept || DateTime.isGreaterThan(bearer.token.expiresAt, forgotten)
    )
    const headers = Headers.fromRecordUnsafe({ "user-agent": userAgent, authorization })
    return this.#latest = { token, authorization, headers, accepted: 0, rejectedInARow: 0 }
  }

  /** The token that a request was sent with, if it is one of these. */
  usedFor(request: HttpClientRequest.HttpClientRequest): Bearer | undefined {
    const authorization = authorizationOf(request)
    return this.#latest?.authorization === authorization
      ? this.#latest
      : this.#earlier.find((bearer) => bearer.authorization === authorization)
  }

  /** The secrets that no text from outside may show. */
  get secrets(): ReadonlyArray<string> {
    return this.#all.map(({ token }) => Redacted.value(token.value))
  }
}
