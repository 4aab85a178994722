// Runs inside a container, as an agent's tool would. Prints one line of JSON.
// stream <requests>: answers of the model, in turn directly, through a socket that only the bench puts into the sandbox,
//   and through the gateway.
// transfer <bytes> <way> <address>: one large answer. In a sandbox the ways of the gateway, elsewhere the direct ones.
const http = require('node:http')
const tls = require('node:tls')

const [job, ...args] = process.argv.slice(1)
const RUN = '/run/creel'
const PROXY = { host: '127.0.0.1', port: 3128 }
const WARM_UP_BYTES = 16_000_000

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
const now = () => Number(process.hrtime.bigint()) / 1e6

/** One streamed answer: time to its first byte, and for each piece how long ago it was written. */
function streamed(target) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'x-api-key': 'placeholder' }
    const sent = http.request({ ...target, method: 'POST', headers }, (answer) => {
      let first
      let rest = ''
      const ages = []
      answer.setEncoding('utf8')
      answer.on('data', (text) => {
        const at = now()
        first ??= at - from
        const lines = (rest + text).split('\n\n')
        rest = lines.pop()
        for (const line of lines) ages.push(at - Number(line.slice('data: '.length)))
      })
      answer.on('end', () =>
        answer.statusCode === 200
          ? resolve({ first, ages })
          : reject(new Error(`${answer.statusCode} ${rest}`)),
      )
      answer.on('error', reject)
    })
    sent.on('error', reject)
    const from = now()
    sent.end('{"model":"bench","messages":[]}')
  })
}

async function stream(requests) {
  const agent = () => new http.Agent({ keepAlive: true })
  const direct = { socketPath: `${RUN}/direct.sock`, path: '/v1/messages', agent: agent() }
  const gateway = { ...PROXY, path: '/anthropic/v1/messages', agent: agent() }
  const firsts = []
  const pieces = []
  for (let n = -3; n < requests; n++) {
    // The one that comes second must not always be the same.
    const order = n % 2 === 0 ? [direct, gateway] : [gateway, direct]
    const seen = new Map()
    for (const target of order) seen.set(target, await streamed(target))
    // The first ones make connections and warm code up.
    if (n < 0) continue
    const [bare, ours] = [seen.get(direct), seen.get(gateway)]
    firsts.push(ours.first - bare.first)
    // The first piece is the time to the first byte.
    for (let i = 1; i < bare.ages.length; i++) pieces.push(ours.ages[i] - bare.ages[i])
  }
  return { ttfbAdded: median(firsts), chunkAdded: median(pieces) }
}

function connectTls(socket, servername) {
  return new Promise((resolve, reject) => {
    const secure = tls.connect({ ...socket, servername, rejectUnauthorized: false })
    secure.once('secureConnect', () => resolve(secure))
    secure.once('error', reject)
  })
}

/** A TLS connection through the proxy. */
function through(target) {
  return new Promise((resolve, reject) => {
    const asked = http.request({ ...PROXY, method: 'CONNECT', path: target, agent: false })
    asked.once('error', reject)
    asked.once('connect', (answer, socket) => {
      if (answer.statusCode === 200) connectTls({ socket }, target.split(':')[0]).then(resolve, reject)
      else reject(new Error(`CONNECT ${target}: ${answer.statusCode} ${answer.statusMessage}`))
    })
    asked.end()
  })
}

/** Megabytes a second of one large answer. */
function transferred(asking, bytes) {
  return new Promise((resolve, reject) => {
    const from = now()
    const asked = http.request({ ...asking, path: `${asking.path}?bytes=${bytes}` })
    asked.once('error', reject)
    asked.once('response', (answer) => {
      let got = 0
      answer.on('data', (chunk) => {
        got += chunk.length
      })
      answer.once('error', reject)
      answer.once('end', () => {
        asked.destroy()
        if (answer.statusCode === 200 && got === bytes) resolve(bytes / 1e3 / (now() - from))
        else reject(new Error(`${answer.statusCode}: ${got} of ${bytes} bytes`))
      })
    })
    asked.end()
  })
}

const MODEL_HEADERS = { 'content-type': 'application/json', 'content-length': 0 }
const model = { method: 'POST', headers: MODEL_HEADERS, agent: false }
const secure = async (connecting, host) => {
  const socket = await connecting
  return { createConnection: () => socket, path: '/big', headers: { host } }
}
const placeOf = (address) => ({ host: address.split(':')[0], port: Number(address.split(':')[1]) })

/** What each way is asked; its connection is made ahead of the measured time. */
const WAYS = {
  direct: (address) => secure(connectTls(placeOf(address), 'upstream.test'), address),
  opened: (address) => secure(through(address), address),
  tunnelled: (address) => secure(through(address), address),
  modelDirect: (address) => ({ ...model, ...placeOf(address), path: '/v1/messages' }),
  model: () => ({ ...model, ...PROXY, path: '/anthropic/v1/messages' }),
}

/** After a small transfer that warms up this program's own code. */
async function transfer(bytes, way, address) {
  await transferred(await WAYS[way](address), Math.min(WARM_UP_BYTES, bytes))
  return { speed: await transferred(await WAYS[way](address), bytes) }
}

const done = job === 'stream' ? stream(Number(args[0])) : transfer(Number(args[0]), ...args.slice(1))
done.then(
  (figures) => {
    console.log(JSON.stringify(figures))
    process.exit()
  },
  (error) => {
    console.log(String(error?.stack ?? error))
    process.exit(1)
  },
)
