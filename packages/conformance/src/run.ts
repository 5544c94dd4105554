// Runs scenarios on a subject.
import { disguises } from "../../core/test/support/audit.ts"
import { Client } from "./Scenario.ts"
import type { Scenario } from "./Scenario.ts"
import { Spotnana } from "./Spotnana.ts"
import { SubjectProcess } from "./SubjectProcess.ts"
import type { Subject } from "./SubjectProcess.ts"
import { Violation } from "./Violation.ts"

/** How a scenario ended. */
export interface Result {
  readonly scenario: Scenario
  /** Absent where the scenario passed. */
  readonly failure?: {
    readonly expected: string
    /** Subject, scenario, what was expected and found, and the requests that the server received. */
    readonly text: string
  }
}

let clients = 0

const expectNoSecret = (server: Spotnana, output: string): void => {
  for (const disguise of server.secrets.flatMap(disguises)) {
    const at = output.indexOf(disguise)
    if (at < 0) continue
    const before = output.slice(Math.max(0, at - 200), at)
    // Without the output before it.
    const shown = server.secrets.reduce((text, secret) => text.replaceAll(secret, "‹another›"), before)
    throw new Violation("no output of the process to hold a secret or a token", `${shown}‹here›`)
  }
}

const runScenario = async (subject: Subject, scenario: Scenario, process: SubjectProcess): Promise<Result> => {
  const server = await new Spotnana(subject.patience).listen()
  try {
    await scenario.run({
      server,
      process,
      start: async (refresh, timeout) => {
        const name = `client ${++clients}`
        const { clientId, homeUrl: baseUrl, secret: clientSecret } = server
        const options = { baseUrl, clientId, clientSecret, ...(refresh && { refresh }), ...(timeout && { timeout }) }
        await process.tell({ type: "start", client: name, options })
        return new Client(process, name)
      }
    })
    expectNoSecret(server, process.output)
    return { scenario }
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    const { expected, message } = error
    const claim = `${subject.name}: ${scenario.name} (${scenario.holds}).`
    return { scenario, failure: { expected, text: `${claim}\n${message}\nThe server saw:\n${server.report()}` } }
  } finally {
    server.close()
  }
}

/** Runs all scenarios at once. Each has its own server and clients, and most of them wait most of the time. */
export const runSubject = async (
  subject: Subject,
  scenarios: ReadonlyArray<Scenario>
): Promise<ReadonlyArray<Result>> => {
  const inProcess = async <A>(run: (process: SubjectProcess) => Promise<A>): Promise<A> => {
    const process = await SubjectProcess.start(subject)
    try {
      return await run(process)
    } finally {
      await process.kill()
    }
  }
  const apart = scenarios.filter(({ ownProcess }) => ownProcess === true)
  const together = scenarios.filter(({ ownProcess }) => ownProcess !== true)
  const results = await Promise.all([
    ...apart.map((scenario) => inProcess((process) => runScenario(subject, scenario, process))),
    ...together.length === 0
      ? []
      : [inProcess((shared) => Promise.all(together.map((scenario) => runScenario(subject, scenario, shared))))]
  ])
  return results.flat()
}
