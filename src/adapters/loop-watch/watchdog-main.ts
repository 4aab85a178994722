// A thread that ends the process when its event loop stands still: everything that counts is on disk, sandboxes go on,
// and whoever restarts the host (compose, a service manager, `creel up --detach`) gives them a new one.
import { appendFileSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import type { WatchdogSetup } from './loop-watch.ts'

/** Returns when it is told to, by the second number of the counter. */
function watch({ beats, lookMs, looks, logFile }: WatchdogSetup): void {
  const counter = new Int32Array(beats)
  let seen = Atomics.load(counter, 0)
  // Looks are counted, not time: while the machine sleeps nobody looks.
  for (let unchanged = 0; unchanged < looks; ) {
    Atomics.wait(counter, 1, 0, lookMs)
    if (Atomics.load(counter, 1) !== 0) return
    const now = Atomics.load(counter, 0)
    unchanged = now === seen ? unchanged + 1 : 0
    seen = now
  }
  const line = {
    ...{ level: 60, time: Date.now(), event: 'host.stuck', standsStillMs: looks * lookMs },
    msg: 'event loop stands still: ending the host, whoever restarts it goes on where it was',
  }
  try {
    appendFileSync(logFile, `${JSON.stringify(line)}\n`)
  } finally {
    process.kill(process.pid, 'SIGKILL')
  }
}

watch(workerData as WatchdogSetup)
