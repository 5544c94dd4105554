// One request of a peer, in a process that is left to end by itself: `once.ts NAME BASE_URL`.
import { peers } from "../../src/peers/index.ts"
import { settingOf } from "../../src/support/server.ts"

const [name, baseUrl] = process.argv.slice(2)
const peer = peers.find((peer) => peer.name === name)
if (peer === undefined || baseUrl === undefined) throw new Error(`no such peer: ${name}`)

const client = await peer.open(settingOf(baseUrl))
const status = await client.get("/v2/trips")
await client.close()
process.stdout.write(String(status))
