// Runs inside a sandbox: does what it is told in a file of JSON and prints one line of JSON for each.
import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'

const GATEWAY = '/run/creel/gw.sock'
const CA = readFileSync('/run/creel/ca.pem')

/** All that comes until the end, or for two seconds. */
const all = (socket) =>
  new Promise((resolve) => {
    let got = ''
    const done = () => resolve(got)
    socket.on('data', (bytes) => {
      got += bytes
    })
    socket
      .on('end', done)
      .on('close', done)
      .on('error', (error) => resolve(`${got} ${error.code}`))
    setTimeout(done, 2_000)
  })

const opened = (options) =>
  new Promise((resolve) => {
    const socket = connect({ timeout: 4_000, ...options })
    socket.once('connect', () => resolve('OPEN')).once('timeout', () => resolve('TIMEOUT'))
    socket.once('error', (error) => resolve(error.code))
  })

const raw = (text) => {
  const socket = connect({ path: GATEWAY })
  socket.write(text)
  return all(socket)
}

/** CONNECT, then TLS that trusts the gateway, then a text in it. */
const inTls = async (target, text, servername = target.replace(/:\d+$/, '')) => {
  const socket = connect({ path: GATEWAY })
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`)
  const head = await new Promise((resolve) => socket.once('data', (bytes) => resolve(String(bytes))))
  if (!head.startsWith('HTTP/1.1 200')) return head
  const tls = connectTls({ socket, ca: CA, servername })
  tls.on('error', () => tls.destroy())
  tls.write(text)
  return all(tls)
}

const follow = async (target) => {
  const first = await inTls(target, `GET /away HTTP/1.1\r\nHost: ${target}\r\nConnection: close\r\n\r\n`)
  const next = new URL(/location: (\S+)/i.exec(first)[1])
  return inTls(
    `${next.hostname}:${next.port || 443}`,
    `GET / HTTP/1.1\r\nHost: ${next.host}\r\nConnection: close\r\n\r\n`,
  )
}

const ways = {
  tcp: (host, port) => opened({ host, port: Number(port) }),
  unix: (path) => opened({ path }),
  lookup: (name) =>
    lookup(name).then(
      () => 'OPEN',
      (error) => error.code,
    ),
  raw,
  inTls,
  follow,
}

const probes = JSON.parse(readFileSync('/workspace/probes.json', 'utf8'))
const results = await Promise.all(probes.map(([way, ...rest]) => ways[way](...rest)))
for (const result of results) console.log(JSON.stringify(result.slice(0, 1_000)))
process.exit()
