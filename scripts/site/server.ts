// Serves a directory on a loopback port, as any host of static files would.
import * as Fs from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as Path from "node:path"

const types: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".svg": "image/svg+xml"
}

export interface Server {
  /** Ends with a slash. */
  readonly address: string
  readonly close: () => void
}

export const serve = async (directory: string): Promise<Server> => {
  const server = createServer(({ url = "/" }, response) => {
    const { pathname } = new URL(url, "http://localhost")
    const file = Path.join(directory, decodeURIComponent(pathname.endsWith("/") ? `${pathname}index.html` : pathname))
    if (!Fs.statSync(file, { throwIfNoEntry: false })?.isFile()) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, { "content-type": types[Path.extname(file)] ?? "application/octet-stream" })
    Fs.createReadStream(file).pipe(response)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.closeAllConnections()
      server.close()
    }
  }
}
