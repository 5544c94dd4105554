import type { RedisTokenStore } from "@effect-spotnana/effect3"
import { Effect } from "effect"
import { createClient } from "redis"
import type { RedisClientOptions } from "redis"

/** The client of node-redis: that of docs/sharing-tokens.md. */
export const connect = (options: RedisClientOptions) =>
  Effect.gen(function*() {
    const redis = createClient(options)
    // A connection that subscribes executes no scripts.
    const subscriber = redis.duplicate()
    const clients = [redis, subscriber]
    // Without this listener, a connection error ends the process.
    for (const client of clients) client.on("error", () => {})
    yield* Effect.addFinalizer(() => Effect.sync(() => clients.forEach((client) => client.isOpen && client.destroy())))
    // The first error says what is wrong. node-redis itself would try again, without an end.
    yield* Effect.tryPromise(() =>
      Promise.all(clients.map((client) =>
        new Promise((resolve, reject) => {
          client.once("error", reject).connect().then(resolve, reject)
        })
      ))
    )
    const client: RedisTokenStore.Client = {
      eval: (script, keys, args) => redis.eval(script, { keys, arguments: args }),
      subscribe: async (channel, onMessage) => {
        await subscriber.subscribe(channel, onMessage)
        return () => subscriber.unsubscribe(channel, onMessage)
      }
    }
    return client
  })
