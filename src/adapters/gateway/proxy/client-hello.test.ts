import { once } from 'node:events'
import { connect as connectTcp, createServer } from 'node:net'
import { connect } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { MAX_HELLO_BYTES, readClientHello } from './client-hello.ts'

/** What a real client says first. */
async function realHello(options: { servername?: string; ALPNProtocols?: string[] }): Promise<Buffer> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const raw = connectTcp(port, '127.0.0.1')
  const client = connect({ socket: raw, ...options })
  client.on('error', () => raw.destroy())
  const [socket] = await once(server, 'connection')
  const [bytes] = await once(socket, 'data')
  client.destroy()
  socket.destroy()
  server.close()
  return bytes
}

const vector = (size: number, content: Buffer) => {
  const length = Buffer.alloc(size)
  length.writeUIntBE(content.length, 0, size)
  return Buffer.concat([length, content])
}
const nameExtension = (name: string, type = 0) =>
  extension(0, vector(2, Buffer.concat([Buffer.from([type]), vector(2, Buffer.from(name, 'latin1'))])))
const extension = (type: number, content: Buffer) =>
  Buffer.concat([Buffer.from([type >> 8, type & 0xff]), vector(2, content)])
const body = (...extensions: Buffer[]) =>
  Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    vector(1, Buffer.alloc(32)),
    vector(2, Buffer.from([0x13, 1])),
    vector(1, Buffer.from([0])),
    vector(2, Buffer.concat(extensions)),
  ])
const message = (content: Buffer, type = 1) => Buffer.concat([Buffer.from([type]), vector(3, content)])
const record = (content: Buffer, type = 22) => Buffer.concat([Buffer.from([type, 3, 1]), vector(2, content)])
const hello = (...extensions: Buffer[]) => record(message(body(...extensions)))

describe('what a client says first', () => {
  it.each([
    [{ servername: 'Example.COM' }, 'example.com'],
    [{ servername: 'a-b.example', ALPNProtocols: ['h2', 'http/1.1'] }, 'a-b.example'],
    [{}, null],
  ])('of Node, %o', async (options, serverName) => {
    expect(readClientHello(await realHello(options))).toEqual({ is: 'hello', serverName })
  })

  it('wants more until the last byte is there, however it is cut', async () => {
    const bytes = await realHello({ servername: 'example.com' })
    for (let length = 0; length < bytes.length; length++)
      expect(readClientHello(bytes.subarray(0, length))).toEqual({ is: 'more' })
  })

  it('is read over some records, and not over more', () => {
    const whole = message(body(nameExtension('example.com')))
    const cut = (size: number) =>
      Array.from({ length: Math.ceil(whole.length / size) }, (_, n) =>
        record(whole.subarray(n * size, (n + 1) * size)),
      )
    const records = Buffer.concat(cut(2))
    expect(readClientHello(records)).toEqual({ is: 'hello', serverName: 'example.com' })
    expect(readClientHello(records.subarray(0, -1))).toEqual({ is: 'more' })
    expect(readClientHello(Buffer.concat(cut(1)))).toMatchObject({ why: 'it is cut into too many records' })
  })

  it('may have no extensions, or bytes of a later message behind it', () => {
    const bare = body().subarray(0, -2)
    expect(readClientHello(record(message(bare)))).toEqual({ is: 'hello', serverName: null })
    const more = Buffer.concat([hello(nameExtension('a.example')), Buffer.from('more')])
    expect(readClientHello(more)).toEqual({ is: 'hello', serverName: 'a.example' })
  })

  it.each(['GET / HTTP/1.1', 'SSH-2.0-x', '\x80\x2e\x01\x03\x01', '\x17\x03\x03'])(
    'is something else: %j',
    (text) => {
      expect(readClientHello(Buffer.from(text, 'latin1'))).toEqual({ is: 'other' })
    },
  )

  it.each([
    ['two names', hello(nameExtension('a.example'), nameExtension('b.example'))],
    ['the same name twice', hello(nameExtension('a.example'), nameExtension('a.example'))],
    ['another kind of name', hello(nameExtension('a.example', 1))],
    ['an empty name', hello(nameExtension(''))],
    ['a zero in the name', hello(nameExtension('a.example\0.evil.example'))],
    ['a line end in the name', hello(nameExtension('a.example\r\n'))],
    ['an address as the name', hello(nameExtension('0x7f.1'))],
    ['a very long name', hello(nameExtension('a'.repeat(300)))],
    ['an empty list of names', hello(extension(0, vector(2, Buffer.alloc(0))))],
    [
      'more behind the name',
      hello(extension(0, Buffer.concat([vector(2, Buffer.from([0, 0, 1, 97])), Buffer.from([1])]))),
    ],
    [
      'an extension that ends too late',
      record(message(Buffer.concat([body().subarray(0, -2), Buffer.from([0, 9, 0, 0, 0, 9])]))),
    ],
    ['extensions that end too early', record(message(Buffer.concat([body(), Buffer.from([1])])))],
    ['a message of another kind', record(message(body(), 2))],
    [
      'a record of another kind within',
      Buffer.concat([record(Buffer.from([1, 0, 1])), record(Buffer.alloc(9), 21)]),
    ],
    ['another version of records', Buffer.from([22, 2, 1, 0, 1, 1])],
    ['an empty record', Buffer.from([22, 3, 1, 0, 0])],
    ['a record that is too long', Buffer.from([22, 3, 1, 0xff, 0xff])],
    ['a message that is too long', record(Buffer.from([1, 0xff, 0xff, 0xff]))],
    ['no end of it', Buffer.concat(Array.from({ length: MAX_HELLO_BYTES }, () => record(Buffer.from([1]))))],
  ])('is broken: %s', (_, bytes) => {
    expect(readClientHello(bytes)).toMatchObject({ is: 'broken' })
  })
})
