import { Credentials, Environment, SpotnanaHttpClient, TokenProvider } from "@effect-spotnana/core"
import { Clock, Context, Duration, Effect, Exit, Fiber, Layer, Option, Random, Redacted, Scope, Stream } from "effect"
import { HttpBody, HttpClient, HttpClientError, HttpClientRequest, HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { makeAudit } from "../../support/audit.ts"
import type { History, Setting, Step } from "./history.ts"
import { history } from "./history.ts"
import type { Call, Model, Outcome, Situations } from "./model.ts"
import { makeModel, policy, Violation } from "./model.ts"
import type { Report, Simulation } from "./run.ts"

const environment = Environment.makeUnsafe({ baseUrl: "https://api.example", tokenUrl: "https://login.example/token" })

// Every secret begins with the one and every token with the other: who finds no form of these finds none of those. They
// have six characters, so that Base64 ends where they do.
const secretMark = "c4n4ry"
const tokenMark = "t0k3n-"

/** More token requests than any right history makes: what hammers is caught here, not by a time-out. */
const ceiling = 3_000

type Act<Name extends Step["act"]> = Extract<Step, { readonly act: Name }>

/** A tenant's provider while it lives, and the model that it is held against. */
interface Tenant {
  readonly model: Model
  readonly scope: Scope.Closeable
  readonly client: SpotnanaHttpClient.SpotnanaHttpClient["Service"]
  readonly provider: TokenProvider.TokenProvider["Service"]
}

/** What a tenant is to the server and to the vault, which outlive its provider. */
interface Account {
  readonly clientId: string
  readonly setting: Setting
  /** The secret that the server accepts, and the one that the source gives. */
  accepted: string
  given: string
  givenSince: number
  source: Act<"source">["mode"]
  latestToken: string | undefined
}

const responseOf = (
  request: HttpClientRequest.HttpClientRequest,
  status: number,
  body: unknown,
  headers: Record<string, string> = {}
) => HttpServerResponse.toClientResponse(HttpServerResponse.jsonUnsafe(body, { status, headers }), { request })

/** Lives through a history, from the first provider to the last timer. */
export const live = (history: History, situations: Situations): Effect.Effect<Report> =>
  Effect.gen(function*() {
    const base = yield* TestClock.testClockWith(Effect.succeed)
    const log: Array<string> = []
    const audit = makeAudit()
    let violation: Violation | undefined

    // True time goes on while the machine sleeps; the wall clock is true time as far as nobody sets it.
    let slept = 0
    let set = 0
    const trueTime = () => base.currentTimeMillisUnsafe() + slept
    const wall = () => trueTime() + set
    const mono = () => base.currentTimeMillisUnsafe()
    let timers = 0
    const clock: Clock.Clock = {
      currentTimeMillisUnsafe: wall,
      currentTimeMillis: Effect.sync(wall),
      currentTimeNanosUnsafe: () => BigInt(wall()) * 1_000_000n,
      currentTimeNanos: Effect.sync(() => BigInt(wall()) * 1_000_000n),
      monotonicTimeNanosUnsafe: () => base.monotonicTimeNanosUnsafe(),
      monotonicTimeNanos: base.monotonicTimeNanos,
      sleep: (duration) =>
        Effect.acquireUseRelease(
          Effect.sync(() => void (timers += 1)),
          () => base.sleep(duration),
          () => Effect.sync(() => void (timers -= 1))
        )
    }
    const now = () => ({ wall: wall(), mono: mono() })

    const note = (line: string) => void log.push(`${mono()} ${wall()} ${line}`)
    /** Says what happens; the first thing that must not be is kept, and ends the history. */
    const observe = <A>(line: string, f: () => A): A | undefined => {
      note(line)
      if (violation !== undefined) return undefined
      try {
        return f()
      } catch (error) {
        if (!(error instanceof Violation)) throw error
        violation = error
        note(`VIOLATION ${error.message}`)
        return undefined
      }
    }

    let endpoint: Omit<Act<"endpoint">, "after" | "act"> = { mode: "ok", latency: 0, retryAfter: "absent" }
    let api: Omit<Act<"api">, "after" | "act"> = { mode: "ok", latency: 0 }
    let steadySince = -1
    const tokens = new Map<string, { readonly account: Account; readonly expiresAt: number }>()
    let serial = 0
    const accounts: ReadonlyArray<Account> = history.tenants.map((setting, index) => {
      const secret = `${secretMark}${index}-0/+=`
      return {
        clientId: `client-${index}`,
        setting,
        accepted: secret,
        given: secret,
        givenSince: -1,
        source: "ok",
        latestToken: undefined
      }
    })

    const follow = (account: Account) => {
      if (account.given === account.accepted) return
      account.given = account.accepted
      account.givenSince = mono()
    }

    /** To be called after whatever disturbs: steady from now on, or not. */
    const disturbed = () => {
      const works = endpoint.mode === "ok" && endpoint.latency <= 200 && api.mode === "ok" &&
        accounts.every(({ accepted, given, source }) => source === "ok" && accepted === given)
      steadySince = works ? mono() : Infinity
    }

    const retryAfter = (): { readonly header: Record<string, string>; readonly millis: () => number | undefined } => {
      switch (endpoint.retryAfter) {
        case "absent":
          return { header: {}, millis: () => undefined }
        case "soon":
          return { header: { "retry-after": "soon" }, millis: () => undefined }
        case "date": {
          // An HTTP date has whole seconds, and is read on the client's clock.
          const date = Math.floor(trueTime() / 1000) * 1000 + 30_000
          return { header: { "retry-after": new Date(date).toUTCString() }, millis: () => date - wall() }
        }
        default: {
          const header = endpoint.retryAfter
          return { header: { "retry-after": header }, millis: () => Number(header) * 1000 }
        }
      }
    }

    const lost = (request: HttpClientRequest.HttpClientRequest) =>
      new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request }) })

    const answerToken = (model: Model, account: Account, request: HttpClientRequest.HttpClientRequest) =>
      Effect.suspend(() => {
        const form = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
        const secret = new URLSearchParams(form).get("client_secret") ?? ""
        const { latency, mode } = endpoint
        const accepted = account.accepted === secret
        const after = retryAfter()
        if (model.requests() > ceiling) violation ??= new Violation(6, `more than ${ceiling} token requests`)
        if (violation !== undefined) return Effect.never
        const mine = observe(`${account.clientId} token request, ${mode} ${latency} ms`, () => model.requested(secret))
        const failed = (what: string, refused?: string, millis?: number) =>
          observe(`${account.clientId} token request ${what}`, () => mine?.failed(millis, refused))
        const refuse = () => {
          failed("refused", secret)
          return responseOf(request, 401, { error: "invalid_client", error_description: `not ${secret}` })
        }
        if (mode === "hanging") {
          return Effect.onInterrupt(Effect.never, () =>
            Effect.sync(() => observe(`${account.clientId} token request interrupted`, () => mine?.interrupted())))
        }
        const { lifetime } = account.setting
        let token: string | undefined
        if (accepted && (mode === "ok" || mode === "sameToken")) {
          token = mode === "sameToken" && account.latestToken !== undefined
            ? account.latestToken
            : `${tokenMark}${account.clientId}-${++serial}`
          account.latestToken = token
          tokens.set(token, { account, expiresAt: trueTime() + lifetime * 1000 })
        }
        const respond = () => {
          switch (mode) {
            case "unavailable":
              failed("answered 503")
              return Effect.succeed(responseOf(request, 503, {}))
            case "limited":
              failed("answered 429", undefined, after.millis())
              return Effect.succeed(responseOf(request, 429, { errorCode: "TOO_MANY_REQUESTS" }, after.header))
            case "garbage":
              failed("answered garbage")
              return Effect.succeed(responseOf(request, 200, "garbage"))
            case "refusing":
              return Effect.sync(refuse)
            case "dropped":
              failed("lost")
              return Effect.fail(lost(request))
            default: {
              if (token === undefined) {
                return Effect.sync(refuse)
              }
              const issued = token
              observe(`${account.clientId} receives ${issued}`, () =>
                mine?.succeeded(issued, lifetime * 1000))
              return Effect.succeed(
                responseOf(request, 200, { access_token: issued, token_type: "Bearer", expires_in: lifetime })
              )
            }
          }
        }
        return Effect.suspend(respond).pipe(
          Effect.delay(latency),
          Effect.onInterrupt(() =>
            Effect.sync(() => observe(`${account.clientId} token request interrupted`, () => mine?.interrupted()))
          )
        )
      })

    const answerApi = (model: Model, account: Account, request: HttpClientRequest.HttpClientRequest, origin: string) =>
      Effect.suspend(() => {
        const call = calls.get(request.headers["x-call"] ?? "")
        if (call === undefined) return Effect.die(new Error("a request of nobody"))
        const { authorization } = request.headers
        const { latency, mode } = api
        const token = observe(
          `${account.clientId} call ${request.headers["x-call"]} leaves for ${origin} with ${authorization}`,
          () => model.sent(call, origin === environment.origin, authorization)
        )
        const issued = token === undefined ? undefined : tokens.get(token)
        const isAccepted = issued !== undefined && trueTime() < issued.expiresAt
        return Effect.suspend(() => {
          const answered = (status: number, rejects: boolean, body: unknown, headers?: Record<string, string>) => {
            observe(
              `${account.clientId} call ${request.headers["x-call"]} is answered ${status}`,
              () => model.answered(call, token, rejects)
            )
            return Effect.succeed(responseOf(request, status, body, headers))
          }
          if (mode === "dropped") return Effect.fail(lost(request))
          if (call.kind === "foreign") return answered(200, false, {})
          if (call.kind === "own") return answered(401, false, { message: "Access Token Invalid" })
          if (mode === "rejecting" || !isAccepted) {
            return answered(401, true, { message: `Access Token Invalid: ${token}` })
          }
          if (mode === "forbidding") return answered(403, false, {})
          if (mode === "scope") {
            return answered(401, false, {}, { "www-authenticate": "Bearer error=\"insufficient_scope\"" })
          }
          return answered(200, false, {})
        }).pipe(Effect.delay(latency))
      })

    const network = (model: Model, account: Account) =>
      HttpClient.make((request, url) =>
        url.href === environment.tokenUrl
          ? answerToken(model, account, request)
          : answerApi(model, account, request, url.origin)
      )

    const source = (model: Model, account: Account) =>
      Credentials.Credentials.of({
        current: Effect.suspend((): Effect.Effect<Credentials.ClientCredentials, unknown> => {
          const begun = now()
          const failed = Effect.sync(() => observe(`${account.clientId} source fails`, () => model.sourceFailed(begun)))
          switch (account.source) {
            case "ok":
              return Effect.succeed({ clientId: account.clientId, clientSecret: Redacted.make(account.given) })
            case "failingOnce":
              account.source = "ok"
              disturbed()
              return Effect.andThen(failed, Effect.fail("the vault is busy"))
            case "failing":
              return Effect.andThen(failed, Effect.fail("the vault is sealed"))
            case "dying":
              return Effect.andThen(failed, Effect.die(new Error("the vault has a bug")))
            case "hanging":
              return Effect.onInterrupt(Effect.never, () => failed)
          }
        })
      })

    const open = (account: Account) =>
      Effect.gen(function*() {
        note(`${account.clientId} opens ${JSON.stringify(account.setting)}`)
        const { attempts, mode } = account.setting
        const model = makeModel({
          now,
          attempts,
          situations,
          background: mode === "background",
          secret: () => account.given,
          secretSince: () => account.givenSince,
          steadySince: () => steadySince
        })
        const scope = yield* Scope.make()
        const layer = SpotnanaHttpClient.layerCredentials({
          environment,
          timeout: policy.requestTimeout,
          refresh: {
            mode,
            attempts,
            retryAfterMaximum: policy.retryAfterMaximum,
            refusalTimeToLive: policy.refusalTimeToLive
          }
        }).pipe(
          Layer.provide(Layer.succeed(HttpClient.HttpClient, network(model, account))),
          Layer.provide(Layer.succeed(Credentials.Credentials, source(model, account)))
        )
        const context = yield* Layer.buildWithScope(layer, scope)
        return {
          model,
          scope,
          client: Context.get(context, SpotnanaHttpClient.SpotnanaHttpClient),
          provider: Context.get(context, TokenProvider.TokenProvider)
        }
      })

    const close = (tenant: Tenant) =>
      Effect.suspend(() => {
        observe("closes", () => tenant.model.closes())
        return Effect.andThen(
          Scope.close(tenant.scope, Exit.void),
          Effect.sync(() => observe("closed", () => tenant.model.closed()))
        )
      })

    const calls = new Map<string, Call>()
    const running = new Set<Fiber.Fiber<unknown, unknown>>()

    const bodies = {
      post: HttpBody.text("once and again"),
      stream: HttpBody.stream(Stream.make(new Uint8Array([1, 2, 3])))
    }

    const outcomeOf = (exit: Exit.Exit<{ readonly status?: number }, unknown>): Outcome => {
      if (Exit.isSuccess(exit)) return { tag: "Success", status: exit.value.status ?? 200 }
      if (Exit.hasInterrupts(exit)) return { tag: "Interrupted" }
      const error = Option.getOrUndefined(Exit.findErrorOption(exit)) as
        | { readonly _tag: string; readonly reason?: unknown }
        | undefined
      return { tag: error?._tag ?? "a defect", reason: typeof error?.reason === "string" ? error.reason : undefined }
    }

    const startCall = ({ interruptAfter, kind }: Act<"call">, tenant: Tenant, isFirst: boolean) =>
      Effect.gen(function*() {
        const id = String(calls.size + 1)
        let call: Call | undefined
        const headers = { "x-call": id, ...(kind === "own" ? { authorization: "Own one" } : undefined) }
        const request = {
          get: HttpClientRequest.get("/v2/companies", { headers }),
          post: HttpClientRequest.post("/v2/echo", { headers, body: bodies.post }),
          stream: HttpClientRequest.post("/v2/echo", { headers, body: bodies.stream }),
          own: HttpClientRequest.get("/v2/companies", { headers }),
          foreign: HttpClientRequest.get("https://elsewhere.example/v2/companies", { headers }),
          absolute: HttpClientRequest.get("https://API.example:443/v2/companies", { headers })
        }
        const effect: Effect.Effect<{ readonly status?: number }, unknown> = kind === "token"
          ? Effect.as(tenant.provider.get, {})
          : tenant.client.execute(request[kind])
        const fiber = yield* Effect.forkDetach(
          Effect.suspend(() => {
            call = observe(`call ${id} ${kind}`, () => tenant.model.called(kind))
            if (call === undefined) return Effect.void
            calls.set(id, call)
            return effect
          }).pipe(
            Effect.onExit((exit) =>
              Effect.sync(() => {
                if (Exit.isFailure(exit)) audit.add(exit)
                const outcome = outcomeOf(exit as Exit.Exit<{ readonly status?: number }, unknown>)
                observe(`call ${id} ends: ${outcome.tag} ${outcome.status ?? outcome.reason ?? ""}`, () => {
                  if (call !== undefined) tenant.model.ended(call, outcome)
                })
              })
            )
          ),
          { startImmediately: true }
        )
        running.add(fiber)
        fiber.addObserver(() => void running.delete(fiber))
        if (isFirst && interruptAfter !== "never") {
          yield* Effect.forkDetach(Effect.gen(function*() {
            yield* base.sleep(Duration.millis(interruptAfter))
            if (call !== undefined && running.has(fiber)) {
              const interrupted = call
              observe(`call ${id} is interrupted`, () => tenant.model.interrupted(interrupted))
              yield* Fiber.interrupt(fiber)
            }
          }))
        }
      })

    const tenants: Array<Tenant> = []
    const act = (step: Step): Effect.Effect<void> =>
      Effect.gen(function*() {
        switch (step.act) {
          case "call":
            for (let n = 0; n < step.count; n++) yield* startCall(step, tenants[step.tenant]!, n === 0)
            return
          case "reject": {
            const { model, provider } = tenants[step.tenant]!
            const token = step.which === "current"
              ? model.current()
              : step.which === "older"
              ? model.older()
              : "unknown"
            if (token === undefined) return
            // The application hands back what it was handed.
            const given = { value: Redacted.make(token), scope: undefined }
            const someTime = yield* Effect.map(provider.status, ({ expiresAt, issuedAt }) => ({ expiresAt, issuedAt }))
            if (someTime.expiresAt === undefined || someTime.issuedAt === undefined) return
            observe(`reject ${token}`, () => model.rejected(token))
            return yield* provider.reject({ ...given, expiresAt: someTime.expiresAt, issuedAt: someTime.issuedAt })
          }
          case "endpoint":
            endpoint = step
            return disturbed()
          case "api":
            api = step
            return disturbed()
          case "revoke":
            for (const [token, { account }] of tokens) {
              if (account === accounts[step.tenant]) tokens.delete(token)
            }
            return
          case "rotate": {
            const account = accounts[step.tenant]!
            account.accepted = `${secretMark}${step.tenant}-${++serial}/+=`
            if (step.follow === "atOnce") follow(account)
            for (const [token, issued] of tokens) if (issued.account === account) tokens.delete(token)
            // At once is no disturbance: a rotation that is followed loses no request.
            return step.follow === "atOnce" && steadySince < Infinity ? undefined : disturbed()
          }
          case "source":
            accounts[step.tenant]!.source = step.mode
            if (step.mode === "ok") follow(accounts[step.tenant]!)
            return disturbed()
          case "setClock":
            if (tenants.some(({ model }) => model.hasToken())) {
              tenants[0]!.model.reached(step.by < 0 ? "clock set back with a token" : "clock set forward with a token")
            }
            set += step.by
            return disturbed()
          case "suspend":
            tenants[0]!.model.reached("suspended")
            slept += step.by
            return disturbed()
          case "restart": {
            const tenant = tenants[step.tenant]!
            if (tenant.model.waiting() > 0) tenant.model.reached("closed with callers waiting")
            yield* close(tenant)
            tenants[step.tenant] = yield* open(accounts[step.tenant]!)
          }
        }
      })

    const end = Effect.gen(function*() {
      // Everything works again: every call ends, and the next ones succeed.
      endpoint = { mode: "ok", latency: 0, retryAfter: "absent" }
      api = { mode: "ok", latency: 0 }
      for (const account of accounts) {
        account.source = "ok"
        follow(account)
        account.latestToken = undefined
      }
      note("all works again")
      yield* base.adjust("8 minutes")
      disturbed()
      if (violation === undefined && running.size > 0) {
        violation = new Violation(12, `${running.size} calls have not ended minutes after all works again`)
      }
      for (const tenant of tenants) {
        yield* act({
          after: 0,
          act: "call",
          tenant: tenants.indexOf(tenant) as 0 | 1,
          kind: "get",
          count: 1,
          interruptAfter: "never"
        })
      }
      yield* base.adjust("1 minute")
      if (violation === undefined && running.size > 0) {
        violation = new Violation(12, "a call hangs although all works")
      }
    })

    yield* Effect.gen(function*() {
      for (const account of accounts) tenants.push(yield* open(account))
      for (const step of history.steps) {
        if (violation !== undefined) break
        yield* base.adjust(step.after)
        note(JSON.stringify(step))
        yield* act(step)
        yield* base.adjust(0)
      }
      if (violation === undefined) yield* end
      for (const tenant of tenants) yield* close(tenant)
      for (const fiber of running) yield* Fiber.interrupt(fiber)
      yield* base.adjust(0)
      if (violation === undefined && timers > 0) violation = new Violation(11, `${timers} timers left`)
      yield* base.adjust("2 hours")
    }).pipe(
      audit.run,
      Effect.provideService(Clock.Clock, clock),
      Random.withSeed(history.seed)
    )

    const found = audit.search([secretMark, tokenMark])
    if (violation === undefined && found.length > 0) {
      violation = new Violation(9, `a secret in what was let out: ${found[0]}`)
    }
    return { violation, log, searches: audit.searches() }
  }).pipe(Effect.provide(TestClock.layer()), Effect.scoped)

/** One process, with two tenants. */
export const simulation: Simulation<History> = { history, live }
