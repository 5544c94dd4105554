/**
 * The public keys that partners registered with the mock of Spotnana.
 *
 * @since 0.1.0
 */

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

/**
 * What Spotnana says of a registered key.
 *
 * @category models
 * @since 0.1.0
 */
export interface Info {
  readonly id: string
  readonly orgId: string
  readonly kid: string
  readonly status: "ACTIVE" | "REVOKED"
  readonly createdAt: string
  readonly thumbprint: string
}

/**
 * The public keys of the partners.
 *
 * @category models
 * @since 0.1.0
 */
export interface PartnerKeys {
  /** Undefined if the organization has or had a key of this name. */
  readonly add: (
    orgId: string,
    jwk: PartnerJwk,
    of: Pick<Info, "createdAt" | "thumbprint">
  ) => Info | undefined
  readonly list: (orgId: string, status: Info["status"]) => ReadonlyArray<Info>
  /** Whether there is a key of this name. */
  readonly revoke: (orgId: string, kid: string) => boolean
  /** Every key that tokens are verified with. */
  readonly active: () => ReadonlyArray<PartnerJwk>
}

/**
 * No keys.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (): PartnerKeys => {
  const entries: Array<{ readonly info: Info; readonly jwk: PartnerJwk }> = []
  const find = (orgId: string, kid: string) => entries.findIndex(({ info }) => info.orgId === orgId && info.kid === kid)
  return {
    add: (orgId, jwk, { createdAt, thumbprint }) => {
      if (find(orgId, jwk.kid) !== -1) return undefined
      const id = `00000000-0000-4000-a000-${String(entries.length + 1).padStart(12, "0")}`
      const info: Info = { id, orgId, kid: jwk.kid, status: "ACTIVE", createdAt, thumbprint }
      entries.push({ info, jwk })
      return info
    },
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

/**
 * The input of the thumbprint of a key, which is its SHA-256 (RFC 7638, section
 * 3): the required members in the order of their names, without white space.
 *
 * @category combinators
 * @since 0.1.0
 */
export const thumbprintInput = ({ e, kty, n }: PartnerJwk): string => `{"e":"${e}","kty":"${kty}","n":"${n}"}`
