/** The store on a client of ioredis: that of docs/sharing-tokens.md. */
import { RedisTokenStore } from "@effect-spotnana/core"
import { Effect } from "effect"
import { Redis } from "ioredis"

export const connect = (url: string) =>
  Effect.gen(function*() {
    const clients = yield* Effect.acquireRelease(
      Effect.sync(() => {
        // While there is no connection, commands fail at once. They are not queued for later.
        const redis = new Redis(url, { lazyConnect: true, enableOfflineQueue: false, maxRetriesPerRequest: 0 })
        // A connection that subscribes executes no scripts.
        return [redis, redis.duplicate()] as const
      }),
      (clients) => Effect.sync(() => clients.forEach((client) => client.disconnect()))
    )
    for (const client of clients) client.on("error", () => {})
    yield* Effect.tryPromise(() => Promise.all(clients.map((client) => client.connect())))
    const [redis, subscriber] = clients
    const client: RedisTokenStore.Client = {
      eval: (script, keys, args) => redis.eval(script, keys.length, ...keys, ...args),
      subscribe: async (channel, onMessage) => {
        const listener = (name: string, message: string) => {
          if (name === channel) onMessage(message)
        }
        subscriber.on("message", listener)
        await subscriber.subscribe(channel)
        return () => {
          subscriber.off("message", listener)
          return subscriber.unsubscribe(channel)
        }
      }
    }
    return client
  })

export const Store = RedisTokenStore.layerClient(connect("redis://localhost:6379"))
