import { request } from 'node:http'

const ANSWER_MS = 10_000

/**
 * What the way out of the sandbox says of the host of an https address; null when it lets it pass. A browser keeps these
 * words to itself. Never rejects.
 */
export function whyRefused({ hostname, port, protocol }: URL): Promise<string | null> {
  const proxy = process.env.HTTPS_PROXY ?? ''
  if (proxy === '' || protocol !== 'https:') return Promise.resolve(null)
  return new Promise((done) => {
    const { hostname: host, port: proxyPort } = new URL(proxy)
    const ask = request({ host, port: proxyPort, method: 'CONNECT', path: `${hostname}:${port || 443}` })
    ask.setTimeout(ANSWER_MS, () => ask.destroy(new Error('the way out does not answer')))
    ask.once('connect', ({ statusCode, statusMessage }, socket) => {
      socket.destroy()
      done(statusCode === 200 ? null : `${statusCode} ${statusMessage}`)
    })
    ask.once('error', (error) => done(error.message))
    ask.end()
  })
}
