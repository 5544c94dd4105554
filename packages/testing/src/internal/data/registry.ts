import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import type { Client } from "./client.ts"

/** What an API user may do. */
export type Role = "TMC_ADMIN" | "COMPANY_ADMIN"

export interface ScimClient {
  readonly clientId: string
  readonly scimToken: Redacted.Redacted
}

/** Whom a token acts for: a client, or a user of that client. */
export interface Owner {
  readonly clientId: string
  /** The user's email; absent where the client acts for itself. */
  readonly user?: string | undefined
}

interface Issued extends Owner {
  readonly expiresAt: number
}

/** The clients that Spotnana knows and the tokens that it has issued to them. */
export interface Registry {
  readonly add: (clientId: string, clientSecret?: Redacted.Redacted | undefined) => Effect.Effect<Client>
  /** A client with an id and a secret that are made up. */
  readonly create: (role: Role) => Effect.Effect<Client>
  /** A client with a SCIM token in place of a secret. */
  readonly createScim: (role: Role) => Effect.Effect<ScimClient>
  readonly get: (clientId: string) => Effect.Effect<Client>
  readonly clientIds: () => ReadonlyArray<string>
  readonly roleOf: (clientId: string) => Role | undefined
  /** Whether it requests tokens with a secret, and is not for SCIM. */
  readonly hasSecret: (clientId: string) => boolean
  readonly remove: (clientId: string) => Effect.Effect<void>
  readonly rotate: (clientId: string) => Effect.Effect<Client>
  readonly accepts: (clientId: string, clientSecret: Redacted.Redacted) => boolean
  readonly issue: (owner: Owner, now: number, lifetime: Duration.Duration) => Effect.Effect<Redacted.Redacted>
  readonly makeRefreshToken: Effect.Effect<Redacted.Redacted>
  readonly ownerOf: (token: string, now: number) => Owner | undefined
  /** Every token, or those of one client, or those that act for one user. */
  readonly revoke: (of?: Partial<Owner>) => Effect.Effect<void>
  readonly addUser: (subjectToken: string, user: string) => void
  readonly removeUser: (user: string) => void
  readonly userOf: (subjectToken: string) => string | undefined
  /** Whether no token of this user is accepted any more. */
  readonly isRemoved: (user: string) => boolean
  readonly scimOwnerOf: (scimToken: string) => Owner | undefined
}

export const make = (): Registry => {
  const clients = new Map<string, Client>()
  const roles = new Map<string, Role>()
  const tokens = new Map<string, Issued>()
  /** By the tokens that stand for them. */
  const users = new Map<string, string>()
  const removed = new Set<string>()
  const scimTokens = new Map<string, string>()
  let serial = 0

  // The number makes it unique, whatever `Random` is seeded with, and easy to tell apart in a failed test.
  const fresh = (kind: string) =>
    Effect.map(
      Effect.all([randomHex, randomHex, randomHex, randomHex]),
      (random) => Redacted.make(`mock-${kind}-${++serial}-${random.join("")}`, { label: `mock-${kind}` })
    )

  const set = (client: Client): Client => {
    clients.set(client.clientId, client)
    return client
  }

  const enroll = (client: Client, role: Role): Client => {
    roles.set(client.clientId, role)
    return set(client)
  }

  const get = (clientId: string): Effect.Effect<Client> =>
    Effect.suspend(() => {
      const client = clients.get(clientId)
      return client === undefined
        ? Effect.die(new Error(`The mock knows no client "${clientId}"; add it with addClient`))
        : Effect.succeed(client)
    })

  const revoke = ({ clientId, user }: Partial<Owner> = {}): Effect.Effect<void> =>
    Effect.sync(() => {
      for (const [token, issued] of tokens) {
        const isOfClient = clientId === undefined || issued.clientId === clientId
        if (isOfClient && (user === undefined || issued.user === user)) tokens.delete(token)
      }
    })

  return {
    get,
    revoke,
    add: Effect.fnUntraced(function*(clientId, clientSecret) {
      if (clients.has(clientId)) {
        return yield* Effect.die(new Error(`The mock knows client "${clientId}" already; see rotateSecret`))
      }
      return enroll({ clientId, clientSecret: clientSecret ?? (yield* fresh("secret")) }, "TMC_ADMIN")
    }),
    create: Effect.fnUntraced(function*(role) {
      const clientSecret = yield* fresh("secret")
      return enroll({ clientId: `mock-client-${serial}`, clientSecret }, role)
    }),
    createScim: Effect.fnUntraced(function*(role) {
      const clientId = `mock-scim-${++serial}`
      const encryptedSecret = yield* fresh("scim")
      // As Spotnana's sample has it.
      const envelope = { scope: "scim", clientId, encryptedSecret: Redacted.value(encryptedSecret) }
      const scimToken = Base64.encode(JSON.stringify(envelope))
      scimTokens.set(scimToken, clientId)
      roles.set(clientId, role)
      return { clientId, scimToken: Redacted.make(scimToken, { label: "mock-scim" }) }
    }),
    clientIds: () => [...roles.keys()],
    roleOf: (clientId) => roles.get(clientId),
    hasSecret: (clientId) => clients.has(clientId),
    remove: (clientId) =>
      Effect.andThen(
        revoke({ clientId }),
        Effect.sync(() => {
          clients.delete(clientId)
          roles.delete(clientId)
          for (const [token, owner] of scimTokens) if (owner === clientId) scimTokens.delete(token)
        })
      ),
    rotate: Effect.fnUntraced(function*(clientId) {
      yield* get(clientId)
      const clientSecret = yield* fresh("secret")
      yield* revoke({ clientId })
      return set({ clientId, clientSecret })
    }),
    accepts: (clientId, clientSecret) => {
      const client = clients.get(clientId)
      return client !== undefined && Redacted.value(client.clientSecret) === Redacted.value(clientSecret)
    },
    issue: Effect.fnUntraced(function*(owner, now, lifetime) {
      const token = yield* fresh("token")
      tokens.set(Redacted.value(token), { ...owner, expiresAt: now + Duration.toMillis(lifetime) })
      return token
    }),
    makeRefreshToken: fresh("refresh"),
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

const randomHex = Effect.map(
  Random.nextIntBetween(0, 0x1_0000_0000, { halfOpen: true }),
  (n) => n.toString(16).padStart(8, "0")
)
