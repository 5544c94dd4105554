// The library for Effect 3 as a subject. The module is in its package, where Effect 3 is found; imported by its address, it
// brings no second version of Effect into the types of this one.
const address = new URL("../../../effect3/test/support/subject.ts", import.meta.url).href

/** Serves the library on one of the platform's clients. */
export const serveEffect3 = async (platform: "fetch" | "undici"): Promise<void> => {
  const subject: { readonly serveEffect3: (platform: "fetch" | "undici") => void } = await import(address)
  subject.serveEffect3(platform)
}
