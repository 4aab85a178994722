import { expect, it } from 'vitest'

/** What an agent asked, and how it goes on. */
export interface Asked {
  readonly kind: 'request' | 'question'
  /** Nothing else has it. */
  readonly mark: string
  /** The button that allows or answers it. */
  readonly button: string
  /** What its agent is told then. */
  readonly granted: string
}

/** An agent on the demo provider that asks, and the person at the buttons, on one channel. */
export interface Decider {
  /** Waits until the buttons are shown; nothing is on its way then. */
  ask(asked: Asked): Promise<void>
  press(label: string): Promise<void>
  /** Somebody who may not decide presses, and is told so. */
  pressAsOther(label: string): Promise<void>
  /** Keeps what the newest button of this label sends. */
  remember(label: string): Promise<void>
  /** Sends what was remembered as another press, whatever is shown by now; returns what came of it. */
  repeat(): Promise<string>
  /** How often this is shown by now. */
  count(part: string): Promise<number>
  sees(part: string): Promise<void>
  restartHost(): Promise<void>
  /** Changes what the host keeps of open asks. */
  change(assignments: string): void
  /** The newest ask, as the host has it. */
  newest(): Promise<{ readonly state: string }>
  /** Hosts that the agent may reach. */
  allowed(): Promise<string>
}

/** What buttons below asks and questions promise on each channel. `name` keeps what is asked apart. */
export function testDecisions(name: string, decider: () => Decider): void {
  let asks = 0
  const ask = async (kind: Asked['kind']): Promise<Asked> => {
    asks += 1
    const asked = askOf(kind, `${name}-${asks}`)
    await decider().ask(asked)
    return asked
  }
  const both = async (check: (asked: Asked, decider: Decider) => Promise<void>) => {
    for (const kind of ['request', 'question'] as const) await check(await ask(kind), decider())
  }
  const isOver = async ({ granted, mark }: Asked, one: Decider, state: string) => {
    await expect.poll(async () => (await one.newest()).state, { timeout: 30_000 }).toBe(state)
    expect(await one.count(granted)).toBe(0)
    expect(await one.allowed()).not.toContain(mark)
  }

  it('counts only for those who may decide', () =>
    both(async (asked, one) => {
      await one.pressAsOther(asked.button)
      await isOver(asked, one, 'asked')
      await one.press(asked.button)
      await one.sees(asked.granted)
    }))

  it('counts after the host was killed and started again, once', async () => {
    const open = [await ask('request'), await ask('question')]
    await decider().restartHost()
    for (const { button, granted } of open) {
      await decider().press(button)
      await decider().sees(granted)
      expect(await decider().count(granted)).toBe(1)
    }
  })

  it('does nothing when it is pressed again', () =>
    both(async (asked, one) => {
      await one.remember(asked.button)
      await one.press(asked.button)
      await one.sees(asked.granted)
      expect(await one.repeat()).toMatch(/decided already|answered already/)
      expect(await one.count(asked.granted)).toBe(1)
      expect((await one.newest()).state).toBe('done')
    }))

  it('does nothing when it comes too late', () =>
    both(async (asked, one) => {
      await one.remember(asked.button)
      one.change('expires_at = 1')
      await one.sees(asked.kind === 'request' ? 'Nobody decided in time' : 'Nobody answered in time')
      expect(await one.repeat()).toMatch(/too late|decided already|answered already/)
      await isOver(asked, one, 'expired')
    }))

  it('carries out nothing that was changed since it was shown', () =>
    both(async (asked, one) => {
      one.change(`payload = replace(payload, '${asked.mark}', 'evil')`)
      await one.press(asked.button)
      await one.sees('This was changed after it was shown')
      await isOver(asked, one, 'failed')
      expect(await one.allowed()).not.toContain('evil')
    }))
}

function askOf(kind: Asked['kind'], mark: string): Asked {
  return kind === 'request'
    ? { kind, mark, button: 'Always', granted: `${mark}.example.com:443 can be reached from now on` }
    : { kind, mark, button: `Yes ${mark}`, granted: `The answer: "Yes ${mark}"` }
}
