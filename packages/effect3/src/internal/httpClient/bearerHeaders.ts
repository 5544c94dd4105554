import * as Headers from "@effect/platform/Headers"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import type { AccessToken } from "../../AccessToken.ts"
import { unsendable } from "../http/beforeSending.ts"
import { userAgent } from "../http/userAgent.ts"
import { authorizationOf } from "./withoutBearer.ts"

/** A token as it is sent, and what the API said about it. */
export interface Bearer {
  readonly token: AccessToken
  readonly authorization: string
  readonly headers: Headers.Headers
  /**
   * The headers of a request that gets the token right before it is sent. They differ for each token: a cache below this
   * client may have the `Authorization` in its keys. Not derived from the token, because a client may log them.
   */
  readonly unsentHeaders: Headers.Headers
  /** How many requests were accepted with it. */
  accepted: number
  /** How many requests were rejected with it since it was accepted last. */
  rejectedInARow: number
}

/** No request is still in flight this long after its token expired. */
const retention = Duration.hours(1)
/** The last few are always kept: after the clock is set, all of them may look old. */
const alwaysKept = 2

/** The headers with the tokens that a client sends, and sent. */
export class BearerHeaders {
  #latest: Bearer | undefined
  #earlier: ReadonlyArray<Bearer> = []

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
      age < alwaysKept || DateTime.greaterThan(bearer.token.expiresAt, forgotten)
    )
    const headers = Headers.unsafeFromRecord({ "user-agent": userAgent, authorization })
    const unsentHeaders = Headers.unsafeFromRecord({
      "user-agent": userAgent,
      // Not a number that is counted up: several processes may share a cache.
      authorization: `${unsendable}${crypto.randomUUID()}`
    })
    return this.#latest = { token, authorization, headers, unsentHeaders, accepted: 0, rejectedInARow: 0 }
  }

  /** The token that a request was sent with, if it is one of these. */
  usedFor(request: HttpClientRequest.HttpClientRequest): Bearer | undefined {
    const authorization = authorizationOf(request)
    return this.#latest?.authorization === authorization
      ? this.#latest
      : this.#earlier.find((bearer) => bearer.authorization === authorization)
  }

  /** The token that a request gets right before it is sent, if it is one of these. */
  awaitedBy({ headers: { authorization } }: HttpClientRequest.HttpClientRequest): Bearer | undefined {
    return this.#latest?.unsentHeaders.authorization === authorization
      ? this.#latest
      : this.#earlier.find((bearer) => bearer.unsentHeaders.authorization === authorization)
  }

  /** The secrets that no text from outside may show. */
  get secrets(): ReadonlyArray<string> {
    return this.#all.map(({ token }) => Redacted.value(token.value))
  }
}
