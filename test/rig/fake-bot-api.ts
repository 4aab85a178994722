import { once } from 'node:events'
import { createServer } from 'node:http'

/** As much of the Bot API as a bot needs to be there; nobody ever writes to it. Every third poll fails. */
export async function startBotApi(): Promise<{ url: string; paths: string[]; close: () => Promise<void> }> {
  const paths: string[] = []
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    paths.push(path)
    const answer = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (path.endsWith('/getMe'))
      return answer(200, { ok: true, result: { id: 1, is_bot: true, first_name: 'Bot', username: 'a_bot' } })
    if (!path.endsWith('/getUpdates')) return answer(200, { ok: true, result: true })
    if (paths.length % 3 === 0) return answer(502, { ok: false, error_code: 502, description: `bad ${path}` })
    const later = setTimeout(() => answer(200, { ok: true, result: [] }), 500)
    response.on('close', () => clearTimeout(later))
    return undefined
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    paths,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
