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

/** No request that was sent with a token is still under way so long after the token expired. */
const memory = Duration.hours(1)
/** The last few are kept longer: when the clock is set, all others look old. */
const alwaysKept = 2

/** The bearers that a client sends, and sent. */
export class Bearers {
  #latest: Bearer | undefined
  #earlier: ReadonlyArray<Bearer> = []

  get #all(): ReadonlyArray<Bearer> {
    return this.#latest === undefined ? this.#earlier : [this.#latest, ...this.#earlier]
  }

  /** Built once per token, not once per request. */
  of(token: AccessToken): Bearer {
    if (this.#latest?.token === token) return this.#latest
    const forgotten = DateTime.subtractDuration(token.issuedAt, memory)
    this.#earlier = this.#all.filter((bearer, age) =>
      age < alwaysKept || DateTime.isGreaterThan(bearer.token.expiresAt, forgotten)
    )
    const authorization = `Bearer ${Redacted.value(token.value)}`
    const headers = Headers.fromRecordUnsafe({ "user-agent": userAgent, authorization })
    return this.#latest = { token, authorization, headers }
  }

  /** The token that a request went out with, if it was one of these. */
  usedFor(request: HttpClientRequest.HttpClientRequest): AccessToken | undefined {
    const authorization = authorizationOf(request)
    return this.#latest?.authorization === authorization
      ? this.#latest?.token
      : this.#earlier.find((bearer) => bearer.authorization === authorization)?.token
  }

  /** What no text from outside may show. */
  get secrets(): ReadonlyArray<string> {
    return this.#all.map(({ token }) => Redacted.value(token.value))
  }
}
