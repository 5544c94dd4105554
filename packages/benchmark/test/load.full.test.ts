import { describe, expect, it } from "vitest"
import type { Client, Peer, ScenarioId, Setting } from "../src/Peer.ts"
import { cached, spotnana } from "../src/peers/spotnana.ts"
import type { Report, Scenario } from "../src/Scenario.ts"
import { expiry, waitedForToken } from "../src/scenarios/expiry.ts"
import { earliestAttempts, outage } from "../src/scenarios/outage.ts"
import { revocation } from "../src/scenarios/revocation.ts"
import { stampede } from "../src/scenarios/stampede.ts"
import { floor, inTurns } from "../src/support/contenders.ts"
import { atOnce, steadily } from "../src/support/load.ts"

/** Asks for a token at each call, and takes a 401 as it comes. */
const openNaive = async ({ baseUrl, clientId, clientSecret, tokenUrl }: Setting): Promise<Client> => {
  const token = async () => {
    const body = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: clientId,
      client_secret: clientSecret
    })
    const response = await fetch(tokenUrl, { method: "POST", body })
    if (!response.ok) throw new Error(`token request answered ${response.status}`)
    const { access_token } = await response.json() as { readonly access_token: string }
    return access_token
  }
  const get = async (path: string) => {
    const response = await fetch(`${baseUrl}${path}`, { headers: { authorization: `Bearer ${await token()}` } })
    await response.text()
    return response.status
  }
  return { get, token, close: () => Promise.resolve() }
}

const naive: Peer = {
  name: "naive",
  packages: [],
  stack: "fetch",
  usage: "As nobody should.",
  cannot: {},
  open: openNaive
}

const unable = (id: ScenarioId): Peer => ({
  ...naive,
  name: "unable",
  cannot: { [id]: "it has no arms" },
  open: () => Promise.reject(new Error("opened, although it cannot"))
})

const run = (scenario: Scenario, peers: ReadonlyArray<Peer>): Promise<Report> =>
  scenario.run({ quick: true, peers, say: () => {} })

/** A cell as a number. */
const figure = ({ columns, rows }: Report, name: string, column: string): number => {
  const cell = rows.find(([first]) => first === name)?.[columns.indexOf(column)] ?? "no such cell"
  return Number(cell.replaceAll(",", "").replace(/ .*/, ""))
}

/** Beside spotnana and the naive one, one that cannot: every row has its place, and every cell something in it. */
const report = async (scenario: Scenario): Promise<Report> => {
  const made = await run(scenario, [spotnana, naive, unable(scenario.id)])
  const further = scenario === stampede ? [cached.name] : []
  expect(made.rows.map(([name]) => name)).toEqual([spotnana.name, "naive", "unable", ...further, floor.name])
  expect(made.rows[2]?.[1]).toBe("cannot: it has no arms")
  for (const row of made.rows) {
    expect(row).toHaveLength(made.columns.length)
    expect(row.filter((cell) => cell === "" || /NaN|undefined|Infinity/.test(cell))).toEqual([])
  }
  for (const { figure, goal } of made.goals) {
    expect(goal).not.toMatch(/NaN|undefined/)
    expect(figure).not.toMatch(/NaN|undefined/)
  }
  return made
}

describe("the scenarios of load, over sockets", () => {
  it("stampede: who shares asks once, who does not asks as often as it is called", async () => {
    const made = await report(stampede)
    expect(figure(made, spotnana.name, "token requests")).toBe(1)
    expect(figure(made, "naive", "token requests")).toBe(200)
    expect(figure(made, cached.name, "token requests")).toBe(1)
    expect(figure(made, cached.name, "over Effect.cached's")).toBe(1)
    expect(figure(made, floor.name, "token requests")).toBe(0)
    expect(figure(made, spotnana.name, "callers without a token")).toBe(0)
    expect(made.goals.map(({ goal }) => goal)).toEqual([
      "1 token request for 200 callers",
      "the last caller waits at most 1.05 × as long as with Effect.cached"
    ])
    expect(made.goals[0]?.met).toBe(true)
  })

  it("expiry: who renews ahead does not wait, who asks at each call waits at each", async () => {
    const made = await report(expiry)
    for (const name of [spotnana.name, "naive", floor.name]) {
      expect(figure(made, name, "requests")).toBe(110)
      expect(figure(made, name, "failed"), `${name}: ${made.notes.join(" ")}`).toBe(0)
    }
    expect(figure(made, spotnana.name, "token requests")).toBeGreaterThanOrEqual(1)
    // At least 0.54 s after one another: five in 2.2 s, and more on a machine that takes longer for the requests.
    expect(figure(made, spotnana.name, "token requests")).toBeLessThan(11)
    expect(figure(made, "naive", "token requests")).toBe(110)
    expect(figure(made, floor.name, "token requests")).toBe(0)
    // Each request of the naive one takes longer than the 200 ms of its token request. It counts as one that waited in
    // each turn in which the floor was quick: how many these are depends on the machine, and no client has more.
    const waited = figure(made, "naive", "waited for a token")
    expect(waited).toBeGreaterThan(0)
    expect(figure(made, spotnana.name, "waited for a token")).toBeLessThanOrEqual(waited)
    expect(figure(made, floor.name, "waited for a token")).toBe(0)
    expect(made.goals.map(({ goal }) => goal)).toEqual([
      "no request waits for a token after the first",
      "p99.9 at most 1.1 × the constant bearer's"
    ])
  })

  it("revocation: it hits all requests under way, and who replays them loses none", async () => {
    const made = await report(revocation)
    expect(figure(made, spotnana.name, "token requests after it")).toBe(1)
    expect(figure(made, spotnana.name, "failed")).toBe(0)
    expect(figure(made, "naive", "failed")).toBe(50)
    expect(figure(made, floor.name, "failed")).toBe(0)
    for (const name of [spotnana.name, "naive", floor.name]) expect(figure(made, name, "held by the API")).toBe(50)
    expect(made.notes).toContain("Failures of naive: 50 × status 401.")
    expect(made.goals).toEqual([
      { goal: "1 token request after the revocation", figure: "1 to 1 in 1 rounds", met: true },
      { goal: "no request fails", figure: "0 of 50 failed", met: true }
    ])
  })

  it("outage: who has a token lives on it, who asks at each call fails at each", async () => {
    const made = await report(outage)
    expect(figure(made, spotnana.name, "failed")).toBe(0)
    expect(figure(made, "naive", "failed")).toBeGreaterThan(0)
    expect(figure(made, "naive", "the most of one client")).toBeGreaterThan(
      figure(made, spotnana.name, "the most of one client")
    )
    expect(figure(made, floor.name, "token requests during the outage")).toBe(0)
    expect(made.goals.map(({ goal, met }) => [goal, met])).toEqual([
      ["no request fails", true],
      ["at most 3 token requests of a client, as many as its backoff lets fit", true]
    ])
  })

  it("the goals are missed by a client that does not deserve them", async () => {
    const impostor = { ...naive, name: spotnana.name }
    // One after another. On a busy machine the floor is slow too, and a request that is slow at the same time as the
    // floor's does not count as one that waited for a token.
    const reports: Array<Report> = []
    for (const scenario of [stampede, expiry, revocation, outage]) reports.push(await run(scenario, [impostor]))
    const missed = reports.flatMap(({ goals }) => goals).filter(({ met }) => !met).map(({ goal }) => goal)
    expect(missed).toEqual(expect.arrayContaining([
      "1 token request for 200 callers",
      "no request waits for a token after the first",
      "1 token request after the revocation",
      "no request fails",
      "at most 3 token requests of a client, as many as its backoff lets fit"
    ]))
    expect(missed.filter((goal) => goal === "no request fails")).toHaveLength(2)
  })
})

describe("the load", () => {
  it("goes on whatever became of the calls before, and each has its latency and its failure", async () => {
    let made = 0
    let answer = () => {}
    const lastMade = new Promise<void>((resolve) => answer = resolve)
    const load = await steadily([
      // Answered when the last one has been made: a load that waited would never get there.
      () => {
        made += 1
        if (made === 20) answer()
        return lastMade.then(() => undefined)
      },
      () => Promise.reject(new TypeError("fetch failed", { cause: Object.assign(new Error(), { code: "ECONNRESET" }) }))
    ], { perSecond: 1000, turns: 20 })
    expect(made).toBe(20)
    const [waiting, failing] = load.lanes
    expect([...waiting!.latencies].every((latency) => latency >= 0)).toBe(true)
    // From the time that was set for it: the first waited longest.
    expect(waiting!.latencies[0]).toBeGreaterThan(waiting!.latencies[19]!)
    expect([...waiting!.failures]).toEqual([])
    expect([...failing!.failures]).toEqual([["ECONNRESET", 20]])
  })

  it("at once is at once", async () => {
    let made = 0
    let answer = () => {}
    const all = new Promise<void>((resolve) => answer = resolve)
    const rush = await atOnce(100, () => {
      made += 1
      if (made === 100) answer()
      return all.then(() => made === 100 ? "seen" : undefined)
    })
    expect([...rush.failures]).toEqual([["seen", 100]])
    expect(rush.endedAt).toBeGreaterThanOrEqual(rush.startedAt)
  })

  it("each round begins with another client", async () => {
    const order: Array<string> = []
    const clients = ["a", "b", "c"].map((name) => ({ ...naive, name }))
    await inTurns(clients, 4, ({ name }, round) => Promise.resolve(void order.push(`${round}${name}`)))
    expect(order.join(" ")).toBe("0a 0b 0c 1b 1c 1a 2c 2a 2b 3a 3b 3c")
  })
})

describe("what is a wait for a token", () => {
  const lane = (...latencies: ReadonlyArray<number>) => ({
    latencies: Float64Array.from(latencies),
    failures: new Map<string, number>()
  })

  it("is long, and not what the machine did to the floor as well", () => {
    expect(waitedForToken(lane(1, 150, 1), lane(1, 1, 1))).toBe(1)
    expect(waitedForToken(lane(150, 1, 150), lane(1, 1, 1))).toBe(2)
    expect(waitedForToken(lane(1, 90, 1), lane(1, 1, 1))).toBe(0)
    // A stall of the machine ends for both at the same time.
    expect(waitedForToken(lane(1, 150, 1), lane(1, 145, 1))).toBe(0)
    expect(waitedForToken(lane(1, 150, 1), lane(1, 1, 140))).toBe(0)
    expect(waitedForToken(lane(1, 150, 1), lane(155, 1, 1))).toBe(0)
    expect(waitedForToken(lane(150, 1, 1), lane(1, 1, 200))).toBe(1)
  })
})

describe("the bound of the backoff", () => {
  it("is what fits between the earliest renewal and the end", () => {
    // 0.72 of 20 s; then half of 0.5 s and 1 s, and then half of half of what is left until 18 s.
    expect(earliestAttempts(20_000, 17_000).map(Math.round)).toEqual([
      14_400,
      14_650,
      15_150,
      15_863,
      16_397,
      16_798
    ])
    expect(earliestAttempts(20_000, 14_400)).toEqual([])
  })
})
