import type { Style } from "../output.ts"

/** A body as a person wants to see it. What a server says moves no cursor and sets no title. */
export const forTerminal = (body: Uint8Array, style: Style): string => {
  let text: string
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(body)
  } catch {
    return `(${body.length} bytes that are no text: pipe them somewhere)`
  }
  return isJson(text) ? indent(text, style) : text.replaceAll(/[^\P{Cc}\t\n]/gu, escape)
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`

const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/** JSON with line breaks. It is not decoded and encoded again: that would round its large numbers. */
const indent = (json: string, style: Style): string => {
  const all = json.match(tokens) ?? []
  let line = "\n"
  return all.map((token, index) => {
    switch (token) {
      case "{":
      case "[":
        if (/[}\]]/.test(all[index + 1] ?? "")) return token
        line += "  "
        return token + line
      case "}":
      case "]":
        if (/[{[]/.test(all[index - 1] ?? "")) return token
        line = line.slice(0, -2)
        return line + token
      case ",":
        return token + line
      case ":":
        return ": "
    }
    const printable = token.replaceAll(/\p{Cc}/gu, escape)
    if (!token.startsWith("\"")) return style.yellow(printable)
    return all[index + 1] === ":" ? style.cyan(printable) : style.green(printable)
  }).join("")
}
