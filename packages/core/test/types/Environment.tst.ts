import { Environment } from "@effect-spotnana/core"
import type { Config, Duration, Result } from "effect"
import type { Headers, HttpClientResponse } from "effect/http"
import { describe, expect, omit, pick, test } from "tstyche"

declare const environment: Environment.Environment

describe("Environment", () => {
  test("says where the API and its token endpoint are", () => {
    expect(
      pick(environment, "name", "baseUrl", "origin", "origins", "tokenUrl", "defaultLifetime", "rejectsToken")
    ).type.toBe<{
      readonly name: string
      readonly baseUrl: string
      readonly origin: string
      readonly origins: ReadonlyArray<string>
      readonly tokenUrl: string
      readonly defaultLifetime: Duration.Duration
      readonly rejectsToken: (answer: Environment.Answer) => boolean
    }>()
    expect(Environment.production).type.toBe<Environment.Environment>()
    expect(Environment.sandbox).type.toBe<Environment.Environment>()
  })

  test("is made of a base URL at least", () => {
    expect<Environment.Options>().type.toBe<{
      readonly baseUrl: string | URL
      readonly tokenUrl?: string | URL | undefined
      readonly origins?: ReadonlyArray<string | URL> | undefined
      readonly name?: string | undefined
      readonly defaultLifetime?: Duration.Input | undefined
      readonly rejectsToken?: ((answer: Environment.Answer) => boolean) | undefined
    }>()
  })

  test("what rejects a token is seen without the body", () => {
    expect<Environment.Answer>().type.toBe<{ readonly status: number; readonly headers: Headers.Headers }>()
    expect<HttpClientResponse.HttpClientResponse>().type.toBeAssignableTo<Environment.Answer>()
    expect(Environment.rejectsToken).type.toBe<(answer: Environment.Answer) => boolean>()
    // @ts-expect-error Property 'text' does not exist
    void Environment.make({ baseUrl: "https://api.example", rejectsToken: (answer) => answer.text === "" })
  })

  test("making one says which option is wrong", () => {
    expect(Environment.make).type.toBe<
      (options: Environment.Options) => Result.Result<Environment.Environment, Environment.InvalidEnvironment>
    >()
    expect(Environment.makeUnsafe).type.toBe<(options: Environment.Options) => Environment.Environment>()
    expect<Environment.InvalidEnvironment["_tag"]>().type.toBe<"InvalidEnvironment">()
    expect<Environment.InvalidEnvironment["option"]>().type.toBe<
      "baseUrl" | "tokenUrl" | "origins" | "defaultLifetime"
    >()
    expect<Environment.InvalidEnvironment["problem"]>().type.toBe<string>()
  })

  test("is read from the configuration", () => {
    expect(Environment.config).type.toBe<Config.Config<Environment.Environment>>()
  })

  test("one that was not made, and so not checked, does not compile", () => {
    // @ts-expect-error Property '[TypeId]' is missing
    const unchecked: Environment.Environment = {
      name: "mine",
      baseUrl: "http://api.example",
      origin: "http://api.example",
      origins: ["http://api.example"],
      tokenUrl: "http://api.example/token",
      defaultLifetime: environment.defaultLifetime,
      rejectsToken: Environment.rejectsToken
    }
    void unchecked
    expect(omit(environment, "tokenUrl")).type.not.toBeAssignableTo<Environment.Environment>()
  })

  test("misspelt and missing options do not compile", () => {
    // @ts-expect-error Object literal may only specify known properties, but 'baseURL' does not exist
    void Environment.make({ baseURL: "https://api.example" })
    // @ts-expect-error Property 'baseUrl' is missing
    void Environment.make({ tokenUrl: "/token" })
  })

  test("cannot be changed", () => {
    // @ts-expect-error Cannot assign to 'origin' because it is a read-only property.
    environment.origin = "https://elsewhere.example"
  })
})
