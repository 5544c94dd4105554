// What the workflows may do, and that what they call is there: nobody sees one fail before it has run.
import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from "@actions/workflow-parser"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"
import { parse } from "yaml"
import root from "../package.json" with { type: "json" }

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>>
  readonly "timeout-minutes"?: number
  readonly steps: ReadonlyArray<Step>
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>
  readonly permissions?: Readonly<Record<string, string>>
  readonly concurrency?: unknown
  readonly jobs: Readonly<Record<string, Job>>
}

const workflows = Fs.globSync(".github/workflows/*").map((file) => {
  const text = Fs.readFileSync(file, "utf8")
  return { file: Path.basename(file), text, workflow: parse(text) as Workflow }
})

const stepsOf = ({ jobs }: Workflow): ReadonlyArray<Step> => Object.values(jobs).flatMap((job) => job.steps)

describe.each(workflows)("$file", ({ file, text, workflow }) => {
  it("is a workflow, to GitHub's own parser", async () => {
    const { context, value } = parseWorkflow({ name: file, content: text }, new NoOperationTraceWriter())
    if (value !== undefined) await convertWorkflowTemplate(context, value)
    expect(context.errors.getErrors().map((error) => error.message)).toEqual([])
  })

  it("has permissions for each job, and none for all", () => {
    expect(workflow.permissions).toEqual({})
    expect(Object.values(workflow.jobs).map((job) => job.permissions)).not.toContain(undefined)
  })

  it("is not started by strangers with the rights of the repository", () => {
    expect(Object.keys(workflow.on)).not.toContain("pull_request_target")
    expect(Object.keys(workflow.on)).not.toContain("workflow_run")
  })

  it("ends", () => {
    expect(workflow.concurrency).toBeDefined()
    expect(Object.values(workflow.jobs).map((job) => job["timeout-minutes"])).not.toContain(undefined)
  })

  it("uses actions by their commit, and says of which version it is", () => {
    const uses = text.match(/^.*\buses:.*$/gm) ?? []
    expect(uses.length).toBe(stepsOf(workflow).filter((step) => step.uses !== undefined).length)
    expect(uses.filter((line) => !/uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([])
  })

  it("leaves no credentials behind in what it checks out", () => {
    const checkouts = stepsOf(workflow).filter((step) => step.uses?.startsWith("actions/checkout@"))
    expect(checkouts.filter((step) => step.with?.["persist-credentials"] !== false)).toEqual([])
  })

  it("knows no secret, and lets nothing from outside into a shell", () => {
    expect(text).not.toMatch(/\bsecrets\b/)
    expect(stepsOf(workflow).filter((step) => step.run?.includes("${{"))).toEqual([])
  })

  it("calls what is there", () => {
    const commands = stepsOf(workflow).flatMap((step) => [step.run, step.with?.["script"]]).filter(isText)
    expect(commands.filter((command) => !isThere(command))).toEqual([])
  })
})

const isText = (value: unknown): value is string => typeof value === "string"

const isThere = (command: string): boolean => {
  const [, script] = /\bpnpm(?:@10)? (?:run )?([\w:]+)/.exec(command) ?? []
  if (script !== undefined) return script === "install" || script in root.scripts
  return command === "npm install --global pnpm@10" || Fs.existsSync(command)
}

describe("workflows", () => {
  it("write where they are there to write, and nowhere else", () => {
    const rights = workflows.flatMap(({ file, workflow }) =>
      Object.entries(workflow.jobs).flatMap(([name, { permissions }]) => {
        const written = Object.entries(permissions ?? {}).flatMap(([right, level]) => level === "write" ? [right] : [])
        return written.length === 0 ? [] : [[`${file}: ${name}`, written]]
      })
    )
    expect(Object.fromEntries(rights)).toEqual({
      "docs.yml: deploy": ["pages", "id-token"],
      "release.yml: publish": ["contents", "id-token"],
      "release.yml: version": ["contents", "pull-requests"]
    })
  })

  it("use one version of each action", () => {
    const versions = new Map<string, Set<string>>()
    for (const { text } of workflows) {
      for (const [, action, version] of text.matchAll(/uses: ([\w-]+\/[\w-]+)\S*@(\S+ # \S+)/g)) {
        versions.set(action!, (versions.get(action!) ?? new Set()).add(version!))
      }
    }
    expect([...versions].filter(([, set]) => set.size > 1)).toEqual([])
    expect([...versions.keys()]).toContain("changesets/action")
  })
})

describe("updates", () => {
  const { updates } = parse(Fs.readFileSync(".github/dependabot.yml", "utf8"))

  it.each(["npm", "github-actions"])("of %s come in groups, and when they are a week old", (ecosystem) => {
    const update = updates.find((update: { "package-ecosystem": string }) => update["package-ecosystem"] === ecosystem)
    expect(update.cooldown["default-days"]).toBeGreaterThanOrEqual(7)
    expect(Object.keys(update.groups).length).toBeGreaterThan(0)
  })
})

describe("the form for a bug", () => {
  it("asks to leave secrets out", () => {
    const form = parse(Fs.readFileSync(".github/ISSUE_TEMPLATE/bug.yml", "utf8"))
    const field = form.body.find((field: { id?: string }) => field.id === "secrets")
    expect(field.attributes.options).toMatchObject([{ required: true }])
  })
})
