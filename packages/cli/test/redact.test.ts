import { describe, expect, it } from "@effect/vitest"
import { makeRedact } from "../src/apiUsers/rotation/redact.ts"

const secret = "c4n4ry \"s3cr3t\"/+=&~x".replace(" ", "-")

const base64 = Buffer.from(secret).toString("base64")

const redact = (text: string) => text.split("\n").map(makeRedact(secret)).join("\n")

describe("the output of a switch command", () => {
  it.each<readonly [string, string]>([
    ["as it is", secret],
    ["in capitals", secret.toUpperCase()],
    ["in Base64", base64],
    ["in Base64 of either alphabet", Buffer.from(secret).toString("base64url")],
    ["in Base64 with other text", Buffer.from(`id:${secret}`).toString("base64")],
    ["in hexadecimal", Buffer.from(secret).toString("hex")],
    ["encoded for a URL", encodeURIComponent(secret)],
    ["encoded for a form", new URLSearchParams({ s: secret }).toString().slice(2)],
    ["escaped for JSON", JSON.stringify(secret)],
    ["escaped for JSON, in ASCII", JSON.stringify(secret).replaceAll("&", "\\u0026")],
    ["quoted for a shell", `'${secret.replaceAll("\"", "'\\''\"'\\''")}'`]
  ])("is shown without the secret %s, and with the words around it", (_, encoded) => {
    expect(redact(`  stored ${encoded} in 2 places\ndone`)).toBe("  stored <redacted> in 2 places\ndone")
    expect(redact(`--data=value=${encoded},next`)).toBe("<redacted>")
  })

  it("is shown without the end of a secret that an encoding breaks into lines", () => {
    const text = `begin\n${base64.slice(0, 18)}\n${base64.slice(18)}\nend`
    expect(redact(text)).toBe(`begin\n${base64.slice(0, 18)}\n<redacted>\nend`)
    const dump = Buffer.from(secret).toString("hex").replaceAll(/../g, "$& ")
    expect(redact(`begin\n${dump}\nend`)).toBe("begin\n<redacted>\nend")
    const wrapped = Buffer.from(`${"x".repeat(50)}${secret}`).toString("base64").replaceAll(/.{76}/g, "$&\n")
    expect(redact(`${wrapped}\nend`)).toBe("<redacted>\n<redacted>\nend")
  })

  it("can be read, however long it is", () => {
    const text = [
      "{",
      "    \"ARN\": \"arn:aws:secretsmanager:eu-central-1:123:secret:app\",",
      "\t\"VersionId\": \"0d6f1bd3-7c50-4f0a-8a4d-8a1c5f7e9b21\",",
      "",
      `}${" and a long line of words".repeat(100)}`
    ]
    expect(text.map(makeRedact("c4nary~S3CR3T.".repeat(4)))).toEqual(text)
    const many = Array.from({ length: 1_000 }, (_, line) => `line ${line} of many`)
    expect(many.map(makeRedact(secret))).toEqual(many)
  })
})
