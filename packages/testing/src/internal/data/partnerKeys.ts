import * as Digest from "effect/crypto/Digest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"

/**
 * A public key that a partner registered (RFC 7517).
 *
 * @category models
 * @since 0.1.0
 */
export interface PartnerJwk {
  readonly kty: "RSA"
  readonly use: "sig"
  readonly alg: "RS256"
  readonly kid: string
  readonly n: string
  readonly e: string
}

/** What Spotnana says of a registered key. */
export interface Info {
  readonly id: string
  readonly orgId: string
  readonly kid: string
  readonly status: "ACTIVE" | "REVOKED"
  readonly createdAt: string
  readonly thumbprint: string
}

interface Entry {
  readonly info: Info
  readonly jwk: PartnerJwk
}

/** The public keys of the partners. */
export interface PartnerKeys {
  /** Undefined where the organization has or had a key of this name. */
  readonly add: (orgId: string, jwk: PartnerJwk, now: number) => Effect.Effect<Info | undefined>
  readonly list: (orgId: string, status: Info["status"]) => ReadonlyArray<Info>
  /** Whether there is a key of this name. */
  readonly revoke: (orgId: string, kid: string) => boolean
  /** Every key that tokens are verified with. */
  readonly active: () => ReadonlyArray<PartnerJwk>
}

export const make = (): PartnerKeys => {
  const entries: Array<Entry> = []
  const find = (orgId: string, kid: string) => entries.findIndex(({ info }) => info.orgId === orgId && info.kid === kid)

  return {
    add: Effect.fnUntraced(function*(orgId, jwk, now) {
      if (find(orgId, jwk.kid) !== -1) return undefined
      const info: Info = {
        id: `00000000-0000-4000-a000-${String(entries.length + 1).padStart(12, "0")}`,
        orgId,
        kid: jwk.kid,
        status: "ACTIVE",
        createdAt: DateTime.formatIso(DateTime.makeUnsafe(now)),
        thumbprint: yield* thumbprint(jwk)
      }
      entries.push({ info, jwk })
      return info
    }),
    list: (orgId, status) =>
      entries.flatMap(({ info }) => info.orgId === orgId && info.status === status ? [info] : []),
    revoke: (orgId, kid) => {
      const index = find(orgId, kid)
      const entry = entries[index]
      if (entry === undefined) return false
      entries[index] = { ...entry, info: { ...entry.info, status: "REVOKED" } }
      return true
    },
    active: () => entries.flatMap(({ info, jwk }) => info.status === "ACTIVE" ? [jwk] : [])
  }
}

// RFC 7638, section 3: the required members in the order of their names, without white space.
const thumbprint = ({ e, kty, n }: PartnerJwk): Effect.Effect<string> =>
  Digest.Digest.use(({ digest }) =>
    digest(Digest.sha256, new TextEncoder().encode(`{"e":"${e}","kty":"${kty}","n":"${n}"}`))
  ).pipe(Effect.map(Base64Url.encode), Effect.provide(Digest.layerWebCrypto))
