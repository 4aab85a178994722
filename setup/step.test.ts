import { describe, expect, it } from 'vitest'
import { CreelError } from '../src/domain/errors.ts'
import { Steps } from './step.ts'

function make(isTTY: boolean) {
  const written: string[] = []
  let time = 0
  const pass = (ms: number) => {
    time += ms
  }
  const steps = new Steps({ out: { isTTY, write: (text) => written.push(text) }, now: () => time })
  return { steps, pass, text: () => written.join('') }
}

describe('Steps', () => {
  it('numbers what it does and says how long it took', async () => {
    const { steps, pass, text } = make(false)
    expect(await steps.run('first', async () => pass(1500) ?? 7)).toBe(7)
    await steps.run('second', async () => undefined)
    expect(text()).toBe('✓ [1] first (1.5 s)\n✓ [2] second (0.0 s)\n')
  })

  it('shows a failure with its hint, once, and throws it on', async () => {
    const { steps, text } = make(false)
    const error = new CreelError('unavailable', 'no engine', { hint: 'start it' })
    const run = steps.run('engine', async () => {
      throw error
    })
    await expect(run).rejects.toBe(error)
    expect(text()).toBe('✗ [1] engine (0.0 s)\n  no engine\n  what to do: start it\n')
    expect(steps.hasShown(error)).toBe(true)
    expect(steps.hasShown(new Error('other'))).toBe(false)
  })

  it('thins out notes where they stay, and leaves no control character in them', async () => {
    const { steps, pass, text } = make(false)
    await steps.run('build', async (note) => {
      for (let i = 0; i < 25; i++) {
        pass(1000)
        note(`line ${i}\x1b[2J`)
      }
    })
    expect(text()).toBe('    [1] build: line 9 [2J\n    [1] build: line 19 [2J\n✓ [1] build (25.0 s)\n')
  })

  it('writes over one line on a terminal', async () => {
    const { steps, text } = make(true)
    await steps.run('build', async (note) => note('x'.repeat(500)))
    const [first = '', second = '', third = ''] = text().split('\r\x1b[K')
    expect(first).toBe('[1] build ...')
    expect(second).toHaveLength(100)
    expect(third).toBe('✓ [1] build (0.0 s)\n')
  })
})
