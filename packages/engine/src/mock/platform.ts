// The engine is compiled without the types of any platform. Every platform has these.

interface SearchParams extends Iterable<readonly [name: string, value: string]> {
  get(name: string): string | null
  getAll(name: string): ReadonlyArray<string>
}

declare const URLSearchParams: new(text: string) => SearchParams
declare const TextDecoder: new() => { decode(bytes: Uint8Array): string }
declare const atob: (base64: string) => string
declare const btoa: (binary: string) => string

/** The fields of a form or of a query. */
export const searchParams = (text: string): SearchParams => new URLSearchParams(text)

/** Bytes as text. Bytes that are not UTF-8 become U+FFFD. */
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const base64 = /^(?:[a-z0-9+/]{4})*(?:[a-z0-9+/]{2}==|[a-z0-9+/]{3}=)?$/i

/** The text that was Base64-encoded (RFC 4648, section 4); undefined if it was not. */
export const textOfBase64 = (encoded: string): string | undefined =>
  base64.test(encoded) ? textOf(Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0))) : undefined

/** ASCII text as Base64. */
export const base64OfAscii = (text: string): string => btoa(text)
