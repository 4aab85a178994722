import type { InboxMessage } from '@creel/protocol'
import { describe, expect, it } from 'vitest'
import { maySteer, type Queued, turnTogether } from './queue-mode.ts'

function queued(bundle: number | undefined, more: Partial<InboxMessage> = {}, suspect = false): Queued {
  const message: InboxMessage = {
    type: 'message',
    session: 'one',
    chat: { channel: 'web', kind: 'group', title: '' },
    from: { id: 'web:1', name: 'Ann' },
    text: 'x',
    at: 1,
    context: [],
    attachments: [],
    ...(bundle === undefined ? {} : { bundle }),
    ...more,
  }
  return { message, suspect }
}

describe('messages of one bundle', () => {
  it.each([
    ['share a turn, whatever their mode', [queued(1), queued(1, { queue: 'steer' }), queued(1)], 3],
    ['and with no other message', [queued(1), queued(1), queued(2)], 2],
    ['nor one without', [queued(1), queued(undefined), queued(1)], 1],
    ['nor before one', [queued(undefined), queued(1), queued(1)], 1],
    [
      'nor from another thread',
      [queued(1), queued(1, { chat: { channel: 'web', kind: 'group', title: '', thread: 't' } })],
      1,
    ],
    ['nor what is asked of the runtime', [queued(1), queued(1, { command: 'compact' })], 1],
    ['nor one whose turn died before', [queued(1), queued(1, {}, true), queued(1)], 1],
    ['which runs by itself', [queued(1, {}, true), queued(1)], 1],
    ['no more than fit', Array.from({ length: 70 }, () => queued(1)), 50],
  ])('%s', (_, waiting, expected) => {
    expect(turnTogether(waiting)).toBe(expected)
  })

  it('are steered one by one into a turn that runs', () => {
    expect(maySteer(queued(undefined).message, queued(1, { queue: 'steer' }))).toBe(true)
    expect(maySteer(queued(undefined).message, queued(1))).toBe(false)
  })
})
