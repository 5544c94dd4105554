/** What the pages are written with. */
export interface Options {
  /** The directory of the Markdown pages. */
  readonly pages: string
  /** The directory of files that go into the site as they are. */
  readonly files: string
  /** The path of the site on its host, with a slash at both ends. */
  readonly base: string
  /** The address of the repository. */
  readonly repository: string
}
