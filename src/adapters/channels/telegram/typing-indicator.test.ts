import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TypingIndicator } from './typing-indicator.ts'

const to = { channel: 'telegram', account: 'main', chat: '1' }

describe('TypingIndicator', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  function indicator(): { typing: TypingIndicator; sent: string[] } {
    const sent: string[] = []
    const typing = new TypingIndicator(async (address) => {
      sent.push(`${address.chat}/${address.thread ?? ''}`)
    })
    return { typing, sent }
  }

  it('sends at once and then every 4 s, however often it is asked', () => {
    const { typing, sent } = indicator()
    for (let at = 0; at < 10_000; at += 100) {
      typing.show(to)
      vi.advanceTimersByTime(100)
    }
    expect(sent).toHaveLength(3)
  })

  it('stops when hidden, and does not send early when shown again at once', () => {
    const { typing, sent } = indicator()
    typing.show(to)
    typing.hide(to)
    typing.show(to)
    expect(sent).toHaveLength(1)
    typing.hide(to)
    vi.advanceTimersByTime(60_000)
    expect(sent).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('ends by itself when nobody renews it', () => {
    const { typing, sent } = indicator()
    typing.show(to)
    vi.advanceTimersByTime(3_600_000)
    expect(sent.length).toBeLessThanOrEqual(15)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('keeps topics apart, holds a bounded number, and drops all on stop', () => {
    const { typing, sent } = indicator()
    typing.show(to)
    typing.show({ ...to, thread: '5' })
    expect(sent).toEqual(['1/', '1/5'])
    for (let chat = 10; chat < 1000; chat += 1) typing.show({ ...to, chat: String(chat) })
    expect(sent).toHaveLength(200)
    typing.stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})
