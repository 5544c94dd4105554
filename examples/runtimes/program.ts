// What every runtime runs. It imports nothing that is not everywhere.
import { SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { Console, Effect, Stream } from "effect"

/** A call, and a line about it. */
export const call = (what: string) =>
  Effect.gen(function*() {
    const spotnana = yield* SpotnanaHttpClient.SpotnanaHttpClient
    const response = yield* spotnana.get("/v2/companies")
    yield* Console.log(`${what}: ${response.status}`)
  })

/** Three calls: the token is revoked after the first, and renewed ahead of its expiry before the last. */
export const life = Effect.gen(function*() {
  const provider = yield* TokenProvider.TokenProvider
  yield* call("called")
  yield* call("replayed")
  const { issuedAt } = yield* provider.status
  yield* Stream.runHead(Stream.filter(provider.changes, (status) => status.issuedAt !== issuedAt))
  yield* call("renewed")
})
