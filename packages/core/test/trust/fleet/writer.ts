// Writes to a directory as fast as it can, until it is killed.
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import { makeFileBackend } from "../../../src/internal/tokenStore/file.ts"

const lease = Duration.millis(20)
const hour = Duration.hours(1)

const program = Effect.gen(function*() {
  const backend = yield* makeFileBackend(process.argv[2]!)
  const key = process.argv[3]!
  for (let n = 0;; n++) {
    const granted = yield* backend.lease(key, lease)
    if (granted._tag !== "Granted") {
      yield* Effect.sleep(1)
      continue
    }
    // One character before each writing, and one after each that succeeded: on a slow machine the lease may be over.
    process.stdout.write("<")
    yield* backend.extend(key, granted.fence, lease)
    if (n % 5 === 4) {
      yield* backend.release(key, granted.fence, { time: Duration.millis(1), failure: Redacted.make("failure") })
    } else {
      const token = Redacted.make(`whole-${granted.fence}-${"x".repeat(4096)}-end`)
      if (yield* backend.write(key, granted.fence, token, hour)) process.stdout.write(">")
    }
  }
})

void Effect.runPromise(
  Effect.provide(
    Effect.scoped(program),
    Layer.mergeAll(NodeFileSystem.layer, Path.layer, Digest.layerWebCrypto, SecureRandom.layerWebCrypto)
  )
)
