// One request of a peer, in a process that is left to end by itself: `once.ts NAME BASE_URL`.
import { peerOf } from "../../src/peers/load.ts"
import { settingOf } from "../../src/support/server.ts"

const [name, baseUrl] = process.argv.slice(2)
if (name === undefined || baseUrl === undefined) throw new Error("once.ts NAME BASE_URL")

const peer = await peerOf(name)
const client = await peer.open(settingOf(baseUrl))
const status = await client.get("/v2/trips")
await client.close()
process.stdout.write(String(status))
