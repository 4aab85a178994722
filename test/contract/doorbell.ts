import { describe, expect, it, vi } from 'vitest'
import type { GroupName } from '../../src/domain/ids.ts'
import type { Doorbell } from '../../src/domain/ports/mailbox.ts'

/** The runner's end of one group's bell. */
export interface RunnerEnd {
  press(): void
  /** Rings heard so far. */
  heard(): number
  hangUp(): void
}

export interface DoorbellWorld extends AsyncDisposable {
  readonly doorbell: Doorbell
  connect(group: GroupName): Promise<RunnerEnd>
}

const A = 'alpha' as GroupName
const B = 'beta' as GroupName
const WAIT = { timeout: 10_000, interval: 2 }

/** What every doorbell owes to the pipeline. `make` gives a fresh world for each case. */
export function doorbellContract(name: string, make: () => Promise<DoorbellWorld>): void {
  describe(`doorbell contract: ${name}`, () => {
    it('tells the host of a ring, of that group alone', async () => {
      await using world = await make()
      const [onA, onB] = [vi.fn(), vi.fn()]
      await world.doorbell.open(A, onA)
      await world.doorbell.open(B, onB)
      const runner = await world.connect(A)
      runner.press()
      await vi.waitFor(() => expect(onA).toHaveBeenCalled(), WAIT)
      expect(onB).not.toHaveBeenCalled()
    })

    it('rings the runner that listens and forgets the ring when none does', async () => {
      await using world = await make()
      await world.doorbell.open(A, vi.fn())
      world.doorbell.ring(A)
      world.doorbell.ring(B)
      const runner = await world.connect(A)
      await vi.waitFor(() => expect(world.doorbell.connected(A)).toBe(true), WAIT)
      expect(runner.heard()).toBe(0)
      world.doorbell.ring(A)
      await vi.waitFor(() => expect(runner.heard()).toBe(1), WAIT)
    })

    it('knows whether a runner listens', async () => {
      await using world = await make()
      await world.doorbell.open(A, vi.fn())
      expect(world.doorbell.connected(A)).toBe(false)
      expect(world.doorbell.connected(B)).toBe(false)
      const runner = await world.connect(A)
      await vi.waitFor(() => expect(world.doorbell.connected(A)).toBe(true), WAIT)
      runner.hangUp()
      await vi.waitFor(() => expect(world.doorbell.connected(A)).toBe(false), WAIT)
    })

    it('takes the new callback when it is opened again, and keeps the runner', async () => {
      await using world = await make()
      const [first, second] = [vi.fn(), vi.fn()]
      await world.doorbell.open(A, first)
      const runner = await world.connect(A)
      await vi.waitFor(() => expect(world.doorbell.connected(A)).toBe(true), WAIT)
      await world.doorbell.open(A, second)
      runner.press()
      await vi.waitFor(() => expect(second).toHaveBeenCalled(), WAIT)
      expect(first).not.toHaveBeenCalled()
    })

    it('is silent after close, and closes twice', async () => {
      await using world = await make()
      const onRing = vi.fn()
      await world.doorbell.open(A, onRing)
      const runner = await world.connect(A)
      await vi.waitFor(() => expect(world.doorbell.connected(A)).toBe(true), WAIT)
      await world.doorbell.close()
      await world.doorbell.close()
      runner.press()
      world.doorbell.ring(A)
      expect(world.doorbell.connected(A)).toBe(false)
      expect(onRing).not.toHaveBeenCalled()
    })
  })
}
