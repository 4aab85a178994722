import type { PlannedAsk } from '../../src/approvals/plan-ask.ts'

/** For tests in which nothing is asked or decided. Strict: an ask throws. */
export const NO_ASKS = {
  plan: (): PlannedAsk => {
    throw new Error('NO_ASKS: an agent asked for something')
  },
  nudge: (): void => undefined,
}

export const NO_DECISIONS = { take: (): boolean => false, answeredInWords: (): void => undefined }
