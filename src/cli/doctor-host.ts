import { z } from 'zod'
import type { Install } from '../config/load.ts'
import { type Finding, ok } from './finding.ts'
import { runCommand } from './session.ts'

const Running = z.object({
  running: z.boolean(),
  loopDelay: z.object({ p99Ms: z.number(), maxMs: z.number(), heldUp: z.number() }).nullable(),
  openApprovals: z.number(),
})

/** What a host that runs says of itself: whether it keeps up, and who is waited for. */
export async function checkHost(install: Install): Promise<Finding[]> {
  const { running, loopDelay, openApprovals } = Running.parse(await runCommand(install, 'status'))
  const waiting: Finding[] =
    openApprovals === 0
      ? []
      : [
          {
            ...{ check: 'approvals', level: 'warning', text: `${openApprovals} wait for a person` },
            hint: './creel approvals list',
          },
        ]
  if (!running || loopDelay === null) return waiting
  const { p99Ms, maxMs, heldUp } = loopDelay
  const text = `p99 ${p99Ms} ms now, longest ${maxMs} ms`
  const check = 'event loop'
  return [
    heldUp === 0
      ? ok(check, text)
      : {
          ...{ check, level: 'warning', text: `${text}, held up ${heldUp} times` },
          hint: 'the machine has too little to give, or its disk is slow: ./creel logs (loop.held_up) says when',
        },
    ...waiting,
  ]
}
