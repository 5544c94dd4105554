import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as ApiUsers from "../../ApiUsers.ts"
import * as Credentials from "../../Credentials.ts"
import { filterStatusOk } from "../../SpotnanaApiError.ts"
import { authenticate } from "../../SpotnanaHttpClient.ts"
import type { SpotnanaHttpClient } from "../../SpotnanaHttpClient.ts"
import * as TokenProvider from "../../TokenProvider.ts"
import { isCredentials, noCredentials } from "../credentialsSource.ts"
import { requestTimeout, retrying, toItsEnd } from "../rotation.ts"
import { failedWith, step } from "./step.ts"
import type { Failure, Name, Users } from "./step.ts"

type Source = Credentials.Credentials["Service"]
type ApiUsersService = ApiUsers.ApiUsers["Service"]

/** The same source, which fails if it gives no credentials. */
export const checked = ({ current }: Source): Source => ({
  current: Effect.filterOrFail(current, isCredentials, () => new TypeError(noCredentials))
})

export const warn = (message: string, users: Users): Effect.Effect<void> =>
  Effect.annotateLogs(Effect.logWarning(message), { ...users })

/** The credentials in use, if they are of an API user that the administrator can see. */
export const check = /* #__PURE__ */ Effect.fnUntraced(function*(
  source: Source,
  users: ApiUsersService
): Effect.fn.Return<{ readonly clientId: string; readonly known: ReadonlyArray<string> }, Failure> {
  const { clientId } = yield* Effect.timeout(source.current, requestTimeout).pipe(
    step("Check", {}, "The source of the credentials failed. Nothing was changed.")
  )
  const known = yield* Effect.timeout(users.list, requestTimeout).pipe(
    step("Check", { clientId }, "The administrator cannot list the API users. Nothing was changed.")
  )
  if (known.includes(clientId)) return { clientId, known }
  return yield* Effect.fail<Failure>({
    step: "Check",
    clientId,
    message: `${clientId} is not an API user of the administrator's TMC. Nothing was changed.`
  })
})

/** The second API user. */
export const create = (
  users: ApiUsersService,
  clientId: string,
  known: ReadonlyArray<string>,
  options: ApiUsers.CreateOptions | undefined
): Effect.Effect<Credentials.ClientCredentials, Failure> =>
  toItsEnd(users.create(options)).pipe(
    step(
      "Create",
      { clientId },
      `No new API user is known; ${clientId} works as before. Five are allowed (409), unless Spotnana allows more. ` +
        "If there was no answer, or only one after a redirect, one may have been created anyway: check ApiUsers.list."
    ),
    Effect.filterOrFail(
      (created) => !known.includes(created.clientId),
      (created): Failure => ({
        step: "Create",
        clientId,
        message: `Spotnana answered with an API user that was there already, ${created.clientId}. Nothing was revoked.`
      })
    )
  )

/**
 * The new user's own client. It does not change the token of the application, or what is remembered about its
 * credentials.
 */
export const clientOf = (created: Credentials.ClientCredentials, administrator: SpotnanaHttpClient["Service"]) =>
  TokenProvider.make({
    // A user that was just created may be unknown to the token endpoint for a moment.
    refresh: { mode: "onDemand", refusalTimeToLive: "1 second" }
  }).pipe(
    Effect.provideService(Credentials.Credentials, { current: Effect.succeed(created) }),
    // It fails only if it is eager.
    Effect.orDie,
    Effect.map((provider) => ({ client: authenticate(provider)(administrator), token: provider.get }))
  )

/** A call that a company administrator may make, and a TMC administrator too. */
export const oneCompany = (client: SpotnanaHttpClient["Service"]) =>
  filterStatusOk(client).get("/v2/companies", { urlParams: { limit: 1 } })

/** Before the switch nobody uses the new user. So it is revoked if a step fails. */
export const orUndo =
  (users: ApiUsersService, both: Users) =>
  (name: Name, problem: string, inUse = `${both.clientId} works as before`) =>
  <A, R>(effect: Effect.Effect<A, unknown, R>): Effect.Effect<A, Failure, R> =>
    Effect.catchCause(effect, (cause) =>
      Effect.gen(function*() {
        const { clientId, newClientId } = both
        const isGone = Exit.isSuccess(yield* Effect.exit(revoke(users, newClientId)))
        if (!isGone) yield* warn("The new API user of a rotation that was given up could not be revoked", both)
        return yield* failedWith(
          name,
          isGone ? { clientId } : both,
          `${problem}. The new API user ${
            isGone ? "was revoked" : `${newClientId} could not be revoked: revoke it`
          }. ${inUse}.`,
          cause
        )
      }))

/** Fails if the source yields another user than at the beginning, because another rotation was faster. */
export const assertUnchanged = /* #__PURE__ */ Effect.fnUntraced(function*(
  undoing: ReturnType<typeof orUndo>,
  read: Source["current"],
  clientId: string
): Effect.fn.Return<void, Failure> {
  const current = yield* undoing("Switch", "The source of the credentials failed before the switch")(read)
  if (current.clientId === clientId) return
  return yield* Effect.fail(undefined).pipe(
    undoing(
      "Switch",
      `The source does not yield ${clientId} any more: another rotation, or somebody, has replaced it`,
      `The source yields ${current.clientId}`
    )
  )
})

/** Stores the new credentials, and waits until the source yields them. */
export const switchOver = <R>(
  switchTo: Effect.Effect<unknown, unknown, R>,
  source: Source,
  created: Credentials.ClientCredentials,
  both: Users,
  stepTimeout: Duration.Duration
): Effect.Effect<unknown, Failure, R> =>
  Effect.andThen(
    step("Switch", both, `The switch failed, and may have been made in part. ${bothWork(both)}`)(switchTo),
    step("Switch", both, `The source does not yield the new credentials. ${bothWork(both)}`)(
      retrying(yields(source, created), stepTimeout)
    )
  )

/** Revokes the old user, if the source still yields the new one. */
export const finish = (
  revoker: ApiUsersService,
  source: Source,
  created: Credentials.ClientCredentials,
  both: Users,
  stepTimeout: Duration.Duration
): Effect.Effect<void, Failure> =>
  Effect.andThen(
    step("Revoke", both, `The source does not yield the new credentials any more. ${bothWork(both)}`)(
      retrying(yields(source, created), stepTimeout)
    ),
    step("Revoke", both, `The new credentials are in use; the old user could not be revoked. ${bothWork(both)}`)(
      retrying(revoke(revoker, both.clientId), stepTimeout)
    )
  )

const bothWork = ({ clientId, newClientId }: Users) =>
  `Both API users work, ${clientId} and the new ${newClientId}: revoke the one that nobody uses.`

const yields = (source: Source, created: Credentials.ClientCredentials) =>
  Effect.filterOrFail(source.current, (current) => Credentials.equals(current, created), () => undefined)

/** 404: it is revoked already. */
const revoke = (users: ApiUsersService, clientId: string) =>
  toItsEnd(users.revoke(clientId)).pipe(
    Effect.catchTag("SpotnanaApiError", (error) => error.status === 404 ? Effect.void : Effect.fail(error))
  )
