import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { createSecureContext } from 'node:tls'
import { caCertificate, leafCertificate } from '../../src/adapters/gateway/proxy/certificates.ts'

const AUTHORITY = 'Test sites'

/** An authority that only tests trust. */
export class TestAuthority {
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  readonly #lifetime = { from: new Date(Date.now() - 86_400_000), to: new Date(Date.now() + 86_400_000) }

  /** Its certificate. */
  readonly pem: Promise<string> = caCertificate(AUTHORITY, this.#keys, this.#lifetime)

  async leaf(host: string): Promise<{ cert: string; key: string }> {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const authority = { name: AUTHORITY, keys: this.#keys }
    const cert = await leafCertificate(host, publicKey, authority, this.#lifetime)
    return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
  }
}

/** A site on the loopback, with the certificates of these hosts, that does what the test says. */
export class TlsSite implements AsyncDisposable {
  readonly server: Server
  /** Requests that reached it, as `METHOD path`. */
  readonly reached: string[] = []
  serve: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.end('ok')

  private constructor(server: Server) {
    this.server = server
    server.on('request', (request, response) => {
      this.reached.push(`${request.method} ${request.url}`)
      this.serve(request, response)
    })
    server.on('tlsClientError', (_, socket) => socket.destroy())
  }

  static async make(authority: TestAuthority, hosts: readonly string[]): Promise<TlsSite> {
    const leaves = await Promise.all(hosts.map((host) => authority.leaf(host)))
    const contexts = new Map(hosts.map((host, at) => [host, createSecureContext(leaves[at])]))
    const server = createServer({
      ...leaves[0],
      SNICallback: (name, done) => done(null, contexts.get(name)),
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new TlsSite(server)
  }

  get port(): number {
    const address = this.server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return address.port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }
}
