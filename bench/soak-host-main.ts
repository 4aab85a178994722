// The host of the soak, in a process of its own, so that its memory is its own. Started by the soak with fork().
import { readdirSync } from 'node:fs'
import { setFlagsFromString, writeHeapSnapshot } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { loadInstall } from '../src/config/load.ts'
import { CrowdEngine } from './crowd-engine.ts'
import { startLoadHost } from './load-host.ts'

/** What the soak asks for. */
export type SoakOrder =
  | { readonly do: 'say'; readonly first: number; readonly count: number }
  | { readonly do: 'look'; readonly exact: boolean }
  | { readonly do: 'snapshot'; readonly file: string }

export interface HostLook {
  readonly rssMb: number
  /** What is alive on the heap when `exact`, else what lies on it. */
  readonly heapMb: number
  readonly outsideMb: number
  readonly handles: number
}

/** What it tells. */
export type SoakNews =
  | { readonly is: 'ready'; readonly dataDir: string }
  | { readonly is: 'answers'; readonly numbers: readonly number[] }
  | { readonly is: 'look'; readonly look: HostLook }

const MB = 2 ** 20
const TELL_MS = 100

async function main([projectDir = '', groups = '']: readonly string[]): Promise<void> {
  // When to end is the parent's decision, however the terminal's Ctrl-C arrives.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => undefined)
  using engine = new CrowdEngine()
  await using world = await startLoadHost(loadInstall(projectDir, process.env), Number(groups), engine)
  const tell = (news: SoakNews) => process.send?.(news)
  let answers: number[] = []
  world.channel.onSent = ({ text }) => {
    const n = Number(/number (\d+)\./.exec(text)?.[1] ?? Number.NaN)
    if (!Number.isNaN(n)) answers.push(n)
  }
  const telling = setInterval(() => {
    if (answers.length > 0) tell({ is: 'answers', numbers: answers })
    answers = []
  }, TELL_MS)
  process.on('message', (order: SoakOrder) => {
    if (order.do === 'snapshot') writeHeapSnapshot(order.file)
    else if (order.do === 'look') tell({ is: 'look', look: look(order.exact) })
    else
      for (let n = order.first; n < order.first + order.count; n++)
        world.channel.say(`chat${n % Number(groups)}`, `number ${n}.`)
  })
  const ended = new Promise<void>((resolve) => process.once('disconnect', () => resolve()))
  tell({ is: 'ready', dataDir: world.dataDir })
  await ended
  clearInterval(telling)
}

function look(exact: boolean): HostLook {
  if (exact) collectGarbage()
  const { rss, heapUsed, external } = process.memoryUsage()
  const handles = readdirSync('/proc/self/fd').length
  return { rssMb: rss / MB, heapMb: heapUsed / MB, outsideMb: external / MB, handles }
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

await main(process.argv.slice(2))
process.exit(0)
