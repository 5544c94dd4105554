import { describe, expect, it } from "@effect/vitest"
import { makeRedact } from "../src/apiUsers/rotation/redact.ts"

const secret = "c4n4ry \"s3cr3t\"/+=&~x".replace(" ", "-")

const base64 = Buffer.from(secret).toString("base64")

const redact = (text: string) => text.split("\n").map(makeRedact(secret)).join("\n")

const hex = (bytes: ReadonlyArray<number>) => bytes.map((byte) => byte.toString(16).padStart(2, "0"))

const text = (bytes: ReadonlyArray<number>) => Buffer.from(bytes).toString()

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

  it.each<readonly [string, string, string]>([
    ["that was cut", `stored ${secret.slice(0, 20)}...`, "stored <redacted>"],
    ["of its end", `...${secret.slice(-8)}`, "<redacted>"],
    ["in capitals", `set ${secret.slice(3, 11).toUpperCase()}`, "set <redacted>"],
    [
      "on two lines, with words between",
      `a ${secret.slice(0, 12)}\nb ${secret.slice(12)}`,
      "a <redacted>\nb <redacted>"
    ],
    ["on two lines, with a short end", `a ${secret.slice(0, 18)}\n${secret.slice(18)}`, "a <redacted>\n<redacted>"],
    ["with colours", `\u001b[31m${secret.slice(0, 9)}\u001b[0m`, "<redacted>"],
    ["that a shell quotes", `x='${secret.slice(0, 10)}'"'"'${secret.slice(10)}'`, "<redacted>"]
  ])("is shown without a part of the secret %s", (_, text, shown) => {
    expect(redact(`begin\n${text}\nend`)).toBe(`begin\n${shown}\nend`)
  })

  it.each<readonly [string, number, (bytes: ReadonlyArray<number>, offset: string) => string]>([
    ["xxd", 16, (bytes, offset) => `${offset}: ${hex(bytes).join("").replace(/.{4}/g, "$& ")}  ${text(bytes)}`],
    ["hexdump -C", 16, (bytes, offset) => `${offset}  ${hex(bytes).join(" ")}  |${text(bytes)}|`],
    ["od -t x1", 8, (bytes, offset) => `${offset} ${hex(bytes).join(" ")}`],
    ["od -c", 16, (bytes, offset) => `${offset}   ${text(bytes).split("").join("   ")}`],
    ["od -b", 16, (bytes, offset) => `${offset} ${bytes.map((byte) => byte.toString(8).padStart(3, "0")).join(" ")}`],
    ["openssl", 32, (bytes) => hex(bytes).join(":")],
    ["Node, a buffer", 32, (bytes) => `<Buffer ${hex(bytes).join(" ")}>`],
    ["Node, an array", 12, (bytes) => `   ${bytes.join(", ")},`],
    ["C", 8, (bytes) => `${hex(bytes).map((byte) => `0x${byte}`).join(", ")},`]
  ])("is shown without the bytes of the secret as %s prints them", (_, width, line) => {
    const whole = [...Buffer.from("aB3dE5gH7jK9mN1pQ3sT5vW7")]
    const rows = Array.from(
      { length: Math.ceil(whole.length / width) },
      (_, row) => line(whole.slice(row * width, (row + 1) * width), `000000${row}0`)
    )
    expect(rows.map(makeRedact(Buffer.from(whole).toString()))).toEqual(rows.map(() => "<redacted>"))
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
    const numbers = ["0000000 1 2 3 4 5 6 7 8 9", "deadbeef".repeat(2).slice(0, 15), secret.slice(2, 9)]
    expect(numbers.map(makeRedact(secret))).toEqual(numbers)
    const many = Array.from({ length: 1_000 }, (_, line) => `line ${line} of many`)
    expect(many.map(makeRedact(secret))).toEqual(many)
  })
})
