import { spotnana } from "../peers/spotnana.ts"
import type { Extent, Report, Scenario } from "../Scenario.ts"
import { cannot } from "../Scenario.ts"
import { count } from "../support/format.ts"
import { seriesOf } from "../support/series.ts"
import { bytesAfter } from "../support/tenants.ts"
import { byValue, emptyEntry } from "../support/tenantsOf.ts"

const columns = [
  "client",
  "series of metrics right after",
  "series ten minutes later",
  "bytes of heap right after, of each client id"
]

const run = async ({ peers, quick, say }: Extent): Promise<Report> => {
  const clientIds = quick ? 100 : 10_000
  const bytes = async (name: string): Promise<string> => {
    say(`released: ${name}`)
    return count(Math.round(await bytesAfter(name, clientIds) / clientIds))
  }
  say("released: series")
  const { later, released } = await seriesOf(clientIds)
  const rows: Array<ReadonlyArray<string>> = []
  for (const { cannot: reasons, name } of peers) {
    const reason = reasons.released ?? reasons.tenants
    if (reason !== undefined) rows.push(cannot(name, reason, columns))
    else if (name === spotnana.name) rows.push([name, count(released), count(later), await bytes(byValue)])
    else rows.push([name, "–", "–", await bytes(name)])
  }
  return {
    columns,
    rows: [...rows, [emptyEntry, "–", "–", await bytes(emptyEntry)]],
    goals: [{
      goal: `no series stays of ${count(clientIds)} client ids`,
      figure: `${count(later)} series ten minutes after the last was released; right after, ${count(released)}`,
      met: later === 0
    }],
    notes: [
      "The series are those of the released client ids in the `MetricRegistry`, on a simulated clock. Another client " +
      "stays in use. Counters stay for two minutes, so that they are scraped once more; the next scrape or token " +
      "request of any client removes them. The other clients have no metrics.",
      "The bytes are those of a `LayerMap` whose entries are invalidated, and of the others' clients, closed."
    ]
  }
}

export const released: Scenario = {
  id: "released",
  title: "Client ids that come and go",
  what: "10,000 client ids, one after the other: a client is made, has a token, and is released. What stays of them.",
  run
}
