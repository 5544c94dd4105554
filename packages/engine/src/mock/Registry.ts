/**
 * The clients that the mock of Spotnana knows and the tokens that it has issued to them.
 *
 * @since 0.1.0
 */
import { base64OfAscii } from "./platform.ts"

/**
 * What an API user may do.
 *
 * @category models
 * @since 0.1.0
 */
export type Role = "TMC_ADMIN" | "COMPANY_ADMIN"

/**
 * An API user with its secret.
 *
 * @category models
 * @since 0.1.0
 */
export interface Client {
  readonly clientId: string
  readonly clientSecret: string
}

/**
 * An API user with a SCIM token in place of a secret.
 *
 * @category models
 * @since 0.1.0
 */
export interface ScimClient {
  readonly clientId: string
  readonly scimToken: string
}

/**
 * The owner of a token: a client, or a user of that client.
 *
 * @category models
 * @since 0.1.0
 */
export interface Owner {
  readonly clientId: string
  /** The user's email; absent if the client acts for itself. */
  readonly user?: string | undefined
}

/**
 * The clients and the tokens. Functions that generate a secret or a token take
 * random digits. A function throws an error if its client does not exist, or if
 * it adds a client that already exists.
 *
 * @category models
 * @since 0.1.0
 */
export interface Registry {
  readonly add: (clientId: string, clientSecret: string | undefined, random: string) => Client
  /** A client with a generated id and secret. */
  readonly create: (role: Role, random: string) => Client
  /** A client with a SCIM token in place of a secret. */
  readonly createScim: (role: Role, random: string) => ScimClient
  readonly get: (clientId: string) => Client
  readonly clientIds: () => ReadonlyArray<string>
  readonly roleOf: (clientId: string) => Role | undefined
  /** Whether it requests tokens with a secret, and is not for SCIM. */
  readonly hasSecret: (clientId: string) => boolean
  readonly remove: (clientId: string) => void
  readonly rotate: (clientId: string, random: string) => Client
  readonly accepts: (clientId: string, clientSecret: string) => boolean
  /** A token that is accepted before the given time. */
  readonly issue: (owner: Owner, expiresAt: number, random: string) => string
  readonly makeRefreshToken: (random: string) => string
  readonly ownerOf: (token: string, now: number) => Owner | undefined
  /** Every token, or those of one client, or those that act for one user. */
  readonly revoke: (of?: Partial<Owner>) => void
  readonly addUser: (subjectToken: string, user: string) => void
  readonly removeUser: (user: string) => void
  readonly userOf: (subjectToken: string) => string | undefined
  /** Whether no token of this user is accepted any more. */
  readonly isRemoved: (user: string) => boolean
  readonly scimOwnerOf: (scimToken: string) => Owner | undefined
}

interface Issued extends Owner {
  readonly expiresAt: number
}

/**
 * A registry without clients.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (): Registry => {
  const clients = new Map<string, Client>()
  const roles = new Map<string, Role>()
  const tokens = new Map<string, Issued>()
  /** By the tokens that stand for them. */
  const users = new Map<string, string>()
  const removed = new Set<string>()
  const scimTokens = new Map<string, string>()
  let serial = 0

  // The number makes it unique, whatever the random digits are, and easy to recognize in a failed test.
  const fresh = (kind: string, random: string) => `mock-${kind}-${++serial}-${random}`

  const set = (client: Client): Client => {
    clients.set(client.clientId, client)
    return client
  }

  const enroll = (client: Client, role: Role): Client => {
    roles.set(client.clientId, role)
    return set(client)
  }

  const get = (clientId: string): Client => {
    const client = clients.get(clientId)
    if (client === undefined) throw new Error(`The mock knows no client "${clientId}"; add it with addClient`)
    return client
  }

  const revoke = ({ clientId, user }: Partial<Owner> = {}): void => {
    for (const [token, issued] of tokens) {
      const isOfClient = clientId === undefined || issued.clientId === clientId
      if (isOfClient && (user === undefined || issued.user === user)) tokens.delete(token)
    }
  }

  return {
    get,
    revoke,
    add: (clientId, clientSecret, random) => {
      if (clients.has(clientId)) {
        throw new Error(`The mock knows client "${clientId}" already; see rotateSecret`)
      }
      return enroll({ clientId, clientSecret: clientSecret ?? fresh("secret", random) }, "TMC_ADMIN")
    },
    create: (role, random) => {
      const clientSecret = fresh("secret", random)
      return enroll({ clientId: `mock-client-${serial}`, clientSecret }, role)
    },
    createScim: (role, random) => {
      const clientId = `mock-scim-${++serial}`
      // As in Spotnana's sample.
      const envelope = { scope: "scim", clientId, encryptedSecret: fresh("scim", random) }
      const scimToken = base64OfAscii(JSON.stringify(envelope))
      scimTokens.set(scimToken, clientId)
      roles.set(clientId, role)
      return { clientId, scimToken }
    },
    clientIds: () => [...roles.keys()],
    roleOf: (clientId) => roles.get(clientId),
    hasSecret: (clientId) => clients.has(clientId),
    remove: (clientId) => {
      revoke({ clientId })
      clients.delete(clientId)
      roles.delete(clientId)
      for (const [token, owner] of scimTokens) if (owner === clientId) scimTokens.delete(token)
    },
    rotate: (clientId, random) => {
      get(clientId)
      revoke({ clientId })
      return set({ clientId, clientSecret: fresh("secret", random) })
    },
    accepts: (clientId, clientSecret) => clients.get(clientId)?.clientSecret === clientSecret,
    issue: (owner, expiresAt, random) => {
      const token = fresh("token", random)
      tokens.set(token, { ...owner, expiresAt })
      return token
    },
    makeRefreshToken: (random) => fresh("refresh", random),
    ownerOf: (token, now) => {
      const issued = tokens.get(token)
      return issued === undefined || now >= issued.expiresAt ? undefined : issued
    },
    addUser: (subjectToken, user) => {
      users.set(subjectToken, user)
      removed.delete(user)
    },
    removeUser: (user) => {
      removed.add(user)
      for (const [subjectToken, known] of users) {
        if (known === user) users.delete(subjectToken)
      }
    },
    userOf: (subjectToken) => users.get(subjectToken),
    isRemoved: (user) => removed.has(user),
    scimOwnerOf: (scimToken) => {
      const clientId = scimTokens.get(scimToken)
      return clientId === undefined ? undefined : { clientId }
    }
  }
}
