// A thread beside the reader: while the main thread hangs inside SQLite or open(2) it cannot see its parent go,
// and would spin for ever as an orphan.
import { workerData } from 'node:worker_threads'

const CHECK_MS = 1_000

setInterval(() => {
  if (process.ppid !== workerData) process.kill(process.pid, 'SIGKILL')
}, CHECK_MS)
