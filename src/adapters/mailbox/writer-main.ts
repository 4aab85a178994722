// A thread that writes inboxes: its commits wait for the disk, and for a lock that a sandbox holds, beside the host.
import { parentPort, workerData } from 'node:worker_threads'
import { Paths } from '../../paths.ts'
import { toCreelError } from './file-errors.ts'
import { FileMailbox } from './file-mailbox.ts'
import { packError, type WriterAnswer, type WriterOrder, type WriterSetup } from './writer-wire.ts'

const { dataDir, groupsDir, maxOpen } = workerData as WriterSetup
const mailbox = new FileMailbox({
  paths: new Paths(dataDir, groupsDir),
  clock: { now: () => 0 as never },
  maxOpen,
})

parentPort?.on('message', (order: WriterOrder | 'close') => {
  if (order === 'close') {
    mailbox.close()
    parentPort?.close()
    return
  }
  parentPort?.postMessage(carryOut(order))
})

parentPort?.postMessage('ready' satisfies WriterAnswer)

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
