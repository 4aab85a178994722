import { describe, expect, test } from 'vitest'
import { judgeVitals, type Vitals } from './liveness.ts'

const limits = { pauseAfterMs: 60, stopAfterMs: 600, heartbeatTimeoutMs: 30, turnDeadlineMs: 900 }
const well: Vitals = { wanted: true, state: 'running', outdated: false, idleMs: 0, quietMs: 0, turnMs: 0 }
const verdict = (part: Partial<Vitals>) => judgeVitals({ ...well, ...part }, limits)

describe('judgeVitals, with mail', () => {
  test.each([
    ['none is started', { state: 'none' }, 'start'],
    ['a running one is kept', {}, 'keep'],
    ['a paused one is woken', { state: 'paused', quietMs: 1e9 }, 'unpause'],
    ['a quiet one is killed', { quietMs: 31 }, 'kill'],
    ['one just within its heartbeat is kept', { quietMs: 30 }, 'keep'],
    ['a turn far over its limit is killed', { turnMs: 901 }, 'kill'],
    ['an outdated one is replaced between turns', { outdated: true }, 'stop'],
    ['an outdated paused one too', { outdated: true, state: 'paused' }, 'stop'],
    ['an outdated one finishes its turn', { outdated: true, turnMs: 5 }, 'keep'],
    ['idle times mean nothing', { idleMs: 1e9 }, 'keep'],
  ] as const)('%s', (_, part, expected) => {
    expect(verdict(part).do).toBe(expected)
  })
})

describe('judgeVitals, without mail', () => {
  test.each([
    ['none stays none', { state: 'none', idleMs: 1e9 }, 'keep'],
    ['a fresh one is kept', { idleMs: 59 }, 'keep'],
    ['an idle one is paused', { idleMs: 60 }, 'pause'],
    ['a paused one stays paused', { state: 'paused', idleMs: 599 }, 'keep'],
    ['a paused one is stopped in the end', { state: 'paused', idleMs: 600 }, 'stop'],
    ['a running one too', { idleMs: 600 }, 'stop'],
    ['an outdated one is stopped at once', { outdated: true }, 'stop'],
    ['no heartbeat is asked of it', { quietMs: 1e9 }, 'keep'],
  ] as const)('%s', (_, part, expected) => {
    expect(verdict({ wanted: false, ...part }).do).toBe(expected)
  })
})
