import { isJson } from "../isJson.ts"
import type { Style } from "../output.ts"

/** A body in a readable form. */
export const readable = (body: Uint8Array, style: Style): string => {
  let text: string
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(body)
  } catch {
    return `(${body.length} bytes that are not text: write them to a file or a pipe)`
  }
  return isJson(text) ? indent(text, style) : text
}

const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/** JSON with line breaks. It is not decoded and encoded again: that would round its large numbers. */
const indent = (json: string, style: Style): string => {
  const all = json.match(tokens) ?? []
  let line = "\n"
  return all.map((token, index) => {
    switch (token) {
      case "{":
      case "[":
        if (/^[}\]]$/.test(all[index + 1] ?? "")) return token
        line += "  "
        return token + line
      case "}":
      case "]":
        if (/^[{[]$/.test(all[index - 1] ?? "")) return token
        line = line.slice(0, -2)
        return line + token
      case ",":
        return token + line
      case ":":
        return ": "
    }
    if (!token.startsWith("\"")) return style.yellow(token)
    return all[index + 1] === ":" ? style.cyan(token) : style.green(token)
  }).join("")
}
