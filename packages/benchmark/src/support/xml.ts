/** The XML errors in a text, for the part of XML that is written here: elements, attributes, five entities. */
export const xmlFaults = (xml: string): ReadonlyArray<string> => {
  const open: Array<string> = []
  const found: Array<string> = []
  const text = /^(?:[^<>&]|&(?:amp|lt|gt|quot|apos);)*$/
  for (const [, content = "", tag = ""] of xml.matchAll(/([^<]*)(<[^>]*>)?/g)) {
    if (!text.test(content) || (open.length === 0 && content.trim() !== "")) found.push(content)
    if (tag === "") continue
    const [, end, name = "", attributes = "", isEmpty] =
      /^<(\/)?([a-z]+)((?: [\w:-]+="(?:[^"&]|&\w+;)*")*)(\/)?>$/i.exec(tag) ?? []
    const names = [...attributes.matchAll(/ ([\w:-]+)=/g)].map(([, name]) => name)
    if (name === "" || new Set(names).size < names.length) found.push(tag)
    if (end !== undefined && open.pop() !== name) found.push(tag)
    if (end === undefined && isEmpty === undefined) open.push(name)
  }
  return [...found, ...open]
}
