import type { PlannedAsk } from '../../src/approvals/plan-ask.ts'
import type { NewHostCall } from '../../src/domain/host-call.ts'

/** For tests in which nothing is asked or decided. Strict: an ask throws. */
export const NO_ASKS = {
  plan: (): PlannedAsk => {
    throw new Error('NO_ASKS: an agent asked for something')
  },
  nudge: (): void => undefined,
}

/** The same for calls of tools. */
export const NO_CALLS = {
  plan: (): NewHostCall => {
    throw new Error('NO_CALLS: a tool asked the host')
  },
  nudge: (): void => undefined,
}

export const NO_DECISIONS = { take: (): boolean => false, answeredInWords: (): void => undefined }
