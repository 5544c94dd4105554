import * as Option from "effect/Option"

export type Header = readonly [name: string, value: string]

/** Reads `Name: value`. */
export const parseHeader = (text: string): Option.Option<Header> => {
  const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[\t ]*(.*?)[\t ]*$/.exec(text) ?? []
  return name === undefined || value === undefined ? Option.none() : Option.some([name, value])
}

/** The headers in a text, one per line, up to an empty line. Other lines, such as the request line, are ignored. */
export const parseHeaders = (text: string): ReadonlyArray<Header> =>
  text.split(/\r?\n/).reduce<{ readonly isOver: boolean; readonly found: ReadonlyArray<Header> }>(
    ({ found, isOver }, line) => {
      const over = isOver || line === "" && found.length > 0
      const header = over ? Option.none() : parseHeader(line)
      return { isOver: over, found: Option.isSome(header) ? [...found, header.value] : found }
    },
    { isOver: false, found: [] }
  ).found
