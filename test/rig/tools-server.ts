import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, normalize } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { ownCertificate } from '../../bench/own-certificate.ts'

/** What it serves as page, file of the repository and module. */
export const HELLO = 'hello from the server of the test'

export interface Seen {
  readonly path: string
  readonly host: string
  readonly authorization: string | undefined
}

/** A server for tools over TLS, at a loopback port: pages, a git repository, a package of npm. It knows who it was asked by. */
export class ToolsServer implements AsyncDisposable {
  readonly seen: Seen[] = []
  /** HTML by path, beside what it has anyway. */
  readonly pages = new Map<string, string>()
  /** PEM of the authority that signed for it. */
  readonly ca: string
  readonly #server: Server
  readonly #folder = mkdtempSync(join(tmpdir(), 'creel-tools-'))
  #tarball: Buffer = Buffer.alloc(0)

  private constructor(certificate: Awaited<ReturnType<typeof ownCertificate>>) {
    this.ca = certificate.ca
    this.#server = createServer(certificate, (request, response) => this.#serve(request, response))
  }

  static async start(host: string): Promise<ToolsServer> {
    const server = new ToolsServer(await ownCertificate(host))
    server.#makeRepository()
    server.#tarball = await tarball()
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { host = '', authorization } = request.headers
    const path = new URL(request.url ?? '/', 'https://x').pathname
    this.seen.push({ path, host, authorization })
    const page = this.pages.get(path) ?? (path.startsWith('/page/') ? `<p>${HELLO}</p>\n` : undefined)
    if (page !== undefined) {
      response.setHeader('content-type', 'text/html')
      response.end(page)
    } else if (path === '/npm/tiny') response.end(JSON.stringify(this.#packument(host)))
    else if (path === '/npm/tiny/-/tiny-1.0.0.tgz') response.end(this.#tarball)
    else this.#serveFile(path, response)
  }

  /** The repository is served as plain files, which git can read. */
  #serveFile(path: string, response: ServerResponse): void {
    const file = normalize(join(this.#folder, path))
    const isThere = file.startsWith(this.#folder) && existsSync(file) && statSync(file).isFile()
    response.statusCode = isThere ? 200 : 404
    response.end(isThere ? readFileSync(file) : 'not here\n')
  }

  #packument(host: string): object {
    const integrity = `sha512-${createHash('sha512').update(this.#tarball).digest('base64')}`
    const version = {
      name: 'tiny',
      version: '1.0.0',
      dist: { tarball: `https://${host}/npm/tiny/-/tiny-1.0.0.tgz`, integrity },
    }
    return { name: 'tiny', 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version } }
  }

  #makeRepository(): void {
    const tree = join(this.#folder, 'tree')
    const who = ['-c', 'user.name=test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false']
    const git = (...args: string[]) =>
      execFileSync('git', [...who, ...args], {
        stdio: 'pipe',
        env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' },
      })
    git('init', '-q', tree)
    writeFileSync(join(tree, 'README'), `${HELLO}\n`)
    git('-C', tree, 'add', 'README')
    git('-C', tree, 'commit', '-q', '-m', 'first')
    git('clone', '-q', '--bare', tree, join(this.#folder, 'repo.git'))
    git('-C', join(this.#folder, 'repo.git'), 'update-server-info')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    rmSync(this.#folder, { recursive: true })
  }
}

async function tarball(): Promise<Buffer> {
  const files = pack()
  files.entry(
    { name: 'package/package.json' },
    JSON.stringify({ name: 'tiny', version: '1.0.0', main: 'index.js' }),
  )
  files.entry({ name: 'package/index.js' }, `module.exports = ${JSON.stringify(HELLO)}\n`)
  files.finalize()
  return gzipSync(await buffer(files))
}
