// The demo on a Spotnana that is played by a mock, behind a socket of this machine.
import { MockSpotnana } from "@effect-spotnana/testing"
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { HttpServer } from "effect/http"
import { createServer } from "node:http"
import { play } from "./chapter.ts"
import { chapters } from "./chapters.ts"
import * as Screen from "./screen.ts"

const Spotnana = MockSpotnana.layerServer.pipe(
  Layer.provideMerge(MockSpotnana.layer()),
  Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
)

/** Plays all chapters. Says whether all that they claim was found to be so. */
export const local: Effect.Effect<boolean> = Effect.gen(function*() {
  yield* Screen.title("effect-spotnana: the life of a token")
  yield* HttpServer.addressFormattedWith((address) => Screen.line(`A mock plays Spotnana at ${address}.`, ""))
  const [duration, results] = yield* Effect.timed(
    Effect.forEach(chapters, (chapter, index) => play(chapter, index + 1))
  )
  const checks = results.flat()
  const held = checks.filter(({ holds }) => holds).length
  yield* Screen.line(`\n${held} of ${checks.length} claims held, in ${Screen.time(duration)}.`, "")
  yield* Screen.line(
    "To call the real Spotnana, set SPOTNANA_CLIENT_ID and SPOTNANA_CLIENT_SECRET, and run this again.",
    ""
  )
  return held === checks.length
}).pipe(Effect.provide(Spotnana), Effect.orDie)
