import { Challenge } from "@effect-spotnana/engine"
import { assert, describe, it } from "@effect/vitest"

describe("Challenge", () => {
  it.each<[string | undefined, boolean]>([
    [undefined, true],
    ["", true],
    ["Bearer", true],
    [`Bearer realm="spotnana"`, true],
    [`Bearer error="invalid_token"`, true],
    [`Bearer error=invalid_token`, true],
    [`bearer realm="x", ERROR = "Invalid_Token", error_description="expired"`, true],
    [`Bearer error="something_new"`, true],
    [`Bearer error="insufficient_scope", scope="read"`, false],
    [`Bearer realm="x", error="invalid_request"`, false],
    [`BEARER error=insufficient_scope`, false],
    // The codes belong to other words.
    [`Bearer error="insufficient_scopes"`, true],
    [`Basic realm="x", error="invalid_request"`, true],
    [`Bearer error_description="insufficient_scope"`, true],
    // Of two challenges the one that names the token counts.
    [`Bearer error="insufficient_scope", Bearer error="invalid_token"`, true]
  ])("invariant 7: a 401 with the challenge %j is about the token: %s", (challenge, expected) => {
    assert.strictEqual(Challenge.rejectsToken(challenge), expected)
  })
})
