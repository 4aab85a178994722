import { describe, expect, it } from 'vitest'
import type { GroupName, UnixMs } from '../domain/ids.ts'
import { SandboxSlots } from './sandbox-slots.ts'
import { takePulse } from './vitals.ts'

const START = 1_000_000
const at = (ms: number) => (START + ms) as UnixMs
const slotAt = (ms: number) => new SandboxSlots().get('garden' as GroupName, at(ms))
const SECOND = 1_000

describe('the pulse of a sandbox', () => {
  it('is found when the heartbeat changes, whatever time that names', () => {
    const slot = slotAt(0)
    takePulse(slot, at(0), at(0))
    for (let s = 1; s <= 20; s++) takePulse(slot, at(0), at(s * SECOND))
    expect(slot.pulse.foundAt).toBe(at(0))
    // The sandbox's clock was set back by an hour: still a sign of life.
    takePulse(slot, at(-3_600 * SECOND), at(21 * SECOND))
    expect(slot.pulse.foundAt).toBe(at(21 * SECOND))
  })

  it('is not missed for the time in which the machine slept', () => {
    const slot = slotAt(0)
    takePulse(slot, at(0), at(0))
    takePulse(slot, at(0), at(8 * 3_600 * SECOND))
    expect(slot.lastWokenAt).toBe(at(8 * 3_600 * SECOND))
    const woken = slot.lastWokenAt
    takePulse(slot, at(0), at(8 * 3_600 * SECOND + SECOND))
    expect(slot.lastWokenAt).toBe(woken)
  })
})
