import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type PassBodyOptions, passBody } from './pass-body.ts'

/** More than every buffer on the way holds. */
const BYTES = 24 << 20
const SECRET = 'sk-secret-0123456789'

describe('the body of an answer', () => {
  const content = randomBytes(BYTES)
  const servers: Server[] = []
  let options: PassBodyOptions
  let send: (write: (bytes: Buffer) => void, end: () => void) => void
  /** The answer as the gateway has it. */
  let answer: IncomingMessage
  let port: number

  async function listening(server: Server): Promise<number> {
    servers.push(server.listen(0, '127.0.0.1'))
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  beforeEach(async () => {
    options = { secrets: [] }
    send = (write, end) => {
      write(content)
      end()
    }
    const service = await listening(
      createServer((_, response) => {
        send(
          (bytes) => response.write(bytes),
          () => response.end(),
        )
      }),
    )
    port = await listening(
      createServer((_, response) => {
        get({ port: service, host: '127.0.0.1', agent: false }, (got) => {
          answer = got
          response.flushHeaders()
          passBody(got, response, options)
        })
      }),
    )
  })
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections()
  })

  async function ask(): Promise<IncomingMessage> {
    const [got] = (await once(get({ port, host: '127.0.0.1', agent: false }), 'response')) as [
      IncomingMessage,
    ]
    return got
  }

  const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

  it('arrives whole and in order, without a secret to look for and with one', async () => {
    expect(hash(await buffer(await ask()))).toBe(hash(content))
    options = { secrets: [SECRET, 'sk-other'] }
    expect(hash(await buffer(await ask()))).toBe(hash(content))
  })

  it('has asterisks where a secret was, wherever it is cut', async () => {
    options = { secrets: [SECRET] }
    for (let cut = 1; cut < SECRET.length; cut++) {
      const [first, second] = [`a${SECRET.slice(0, cut)}`, `${SECRET.slice(cut)}${SECRET}sk-sec`]
      send = (write, end) => {
        write(Buffer.from(first))
        setImmediate(() => {
          write(Buffer.from(second))
          end()
        })
      }
      const hidden = '*'.repeat(SECRET.length)
      expect((await buffer(await ask())).toString()).toBe(`a${hidden}${hidden}sk-sec`)
    }
  })

  it('is not read faster than the client takes it', async () => {
    const got = await ask()
    let before = -1
    // The kernel's buffers fill up; then nothing moves any more.
    await expect
      .poll(() => {
        const isStill = answer.socket.bytesRead === before
        before = answer.socket.bytesRead
        return isStill && before > 0
      })
      .toBe(true)
    expect(answer.socket.bytesRead).toBeLessThan(BYTES / 2)
    expect(hash(await buffer(got))).toBe(hash(content))
  })

  it('is held back where a rate says so', async () => {
    let counted = 0
    options = {
      secrets: [],
      count: (bytes) => {
        counted += bytes
        return 1
      },
    }
    expect(hash(await buffer(await ask()))).toBe(hash(content))
    expect(counted).toBe(BYTES)
  })

  it('breaks off, with the reason told, when it is too much', async () => {
    let told: unknown
    options = {
      secrets: [],
      count: () => {
        throw new Error('enough')
      },
      onOver: (error) => {
        told = error
      },
    }
    await expect(buffer(await ask())).rejects.toThrow('aborted')
    expect(told).toMatchObject({ message: 'enough' })
    expect(answer.destroyed).toBe(true)
  })

  it('ends when either side leaves', async () => {
    const got = await ask()
    got.destroy()
    await expect.poll(() => answer.destroyed).toBe(true)
    const second = await ask()
    answer.socket.destroy()
    await expect(buffer(second)).rejects.toThrow('aborted')
  })
})
