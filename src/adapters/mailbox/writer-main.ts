// A thread that writes inboxes: its commits wait for the disk, and for a lock that a sandbox holds, beside the host.
import { parentPort, workerData } from 'node:worker_threads'
import { Paths } from '../../paths.ts'
import { toCreelError } from './file-errors.ts'
import { FileMailbox } from './file-mailbox.ts'
import {
  packError,
  type WriterAnswer,
  type WriterOrder,
  type WriterSetup,
  type WriterWord,
} from './writer-wire.ts'

/** A word between threads costs as much as the work for one message; whoever waits for the first must not wait long. */
const MOST_ANSWERS = 8

const { dataDir, groupsDir, maxOpen } = workerData as WriterSetup
const mailbox = new FileMailbox({
  paths: new Paths(dataDir, groupsDir),
  clock: { now: () => 0 as never },
  maxOpen,
})

parentPort?.on('message', (orders: readonly WriterOrder[] | 'close') => {
  if (orders === 'close') {
    mailbox.close()
    parentPort?.close()
    return
  }
  for (let at = 0; at < orders.length; at += MOST_ANSWERS)
    tell(orders.slice(at, at + MOST_ANSWERS).map(carryOut))
})

tell('ready')

function tell(word: WriterWord): void {
  parentPort?.postMessage(word)
}

function carryOut(order: WriterOrder): WriterAnswer {
  const { id, group } = order
  try {
    if (order.do === 'put') return { id, seqs: mailbox.putAllNow(group, order.items, order.at) }
    if (order.do === 'open') mailbox.open(group)
    else mailbox.pruneNow(group, order.seq, order.keep)
    return { id, seqs: [] }
  } catch (error) {
    return { id, failed: packError(toCreelError('write', `the inbox of ${group}`, error)) }
  }
}
