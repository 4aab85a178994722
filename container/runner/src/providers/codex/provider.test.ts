import { setImmediate as settled } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { all, messages, world } from '../../../test/codex-world.ts'
import type { FakeTurn } from '../../../test/fake-app-server.ts'

describe('CodexProvider', () => {
  it('starts nothing until the first turn, and one process for all', async () => {
    const { fake, start } = world()
    expect(fake.processes).toHaveLength(0)
    expect(await all(start('a', 'hello'))).toEqual([
      { type: 'started', resumeToken: 'thread-1' },
      { type: 'delta', text: 're: hello' },
      { type: 'message', text: 're: hello' },
      { type: 'completed' },
    ])
    await all(start('b', 'hi'))
    await all(start('a', 'again', { resumeToken: 'thread-1' }))
    expect(fake.processes).toHaveLength(1)
    expect(fake.processes[0]?.calls).toEqual([
      'initialize',
      'initialized',
      'skills/list',
      'thread/start',
      'turn/start',
      'thread/start',
      'turn/start',
      'turn/start',
    ])
  })

  it('runs thirty sessions at once on one process and mixes nothing up', async () => {
    const turns: FakeTurn[] = []
    const { fake, start } = world((turn) => void turns.push(turn))
    const sessions = Array.from({ length: 30 }, (_, i) => i)
    const running = sessions.map((i) => all(start(`s${i}`, `question ${i}`)))
    while (turns.length < 30) await settled()
    // The last asked is answered first, and the deltas of all are mixed.
    for (const turn of turns)
      turn.report('item/agentMessage/delta', { itemId: 'x', delta: `draft ${turn.inputs[0]}` })
    for (const turn of turns.toReversed()) turn.reply(`re: ${turn.inputs[0]}`)
    const answers = await Promise.all(running)
    expect(answers.map(messages)).toEqual(sessions.map((i) => ['', `re: question ${i}`]))
    expect(answers.map((events) => events.find(({ type }) => type === 'delta'))).toEqual(
      sessions.map((i) => ({ type: 'delta', text: `draft question ${i}` })),
    )
    expect(new Set(answers.map((events) => JSON.stringify(events[0]))).size).toBe(30)
    expect(fake.processes).toHaveLength(1)
  })

  it('passes on model and effort', async () => {
    const turns: FakeTurn[] = []
    const { start } = world((turn) => {
      turns.push(turn)
      turn.report('thread/tokenUsage/updated', {
        tokenUsage: {
          last: { inputTokens: 5, cachedInputTokens: 2, cacheWriteInputTokens: 0, outputTokens: 1 },
        },
      })
      turn.reply('ok')
    })
    const events = await all(start('a', 'x', { model: 'gpt-9', effort: 'high' }))
    expect(turns[0]?.params).toMatchObject({ model: 'gpt-9', effort: 'high', cwd: '/workspace' })
    expect(events).toContainEqual({
      type: 'usage',
      model: 'gpt-9',
      inputTokens: 3,
      outputTokens: 1,
      cacheReadTokens: 2,
      cacheWriteTokens: 0,
    })
  })

  it('answers every request: approvals are given, what it does not know is refused', async () => {
    const answers: unknown[] = []
    const { start } = world((turn) => {
      const refusal = (error: unknown) => (error instanceof Error ? error.message : error)
      void Promise.all([
        turn.ask('item/commandExecution/requestApproval', { command: 'rm -rf x' }),
        turn.ask('item/fileChange/requestApproval'),
        turn.ask('mcpServer/elicitation/request', { _meta: { codex_approval_kind: 'mcp_tool_call' } }),
        turn.ask('mcpServer/elicitation/request', { mode: 'form', message: 'your password?' }),
        turn.ask('item/permissions/requestApproval', { permissions: { network: { enabled: true } } }),
        turn.ask('execCommandApproval'),
        turn.ask('currentTime/read'),
        turn.ask('item/tool/requestUserInput', { questions: [] }).catch(refusal),
        turn.ask('invented/tomorrow').catch(refusal),
      ]).then((given) => {
        answers.push(...given)
        turn.reply('done')
      })
    })
    expect(messages(await all(start('a', 'x')))).toEqual(['done'])
    expect(answers).toEqual([
      { decision: 'accept' },
      { decision: 'accept' },
      { action: 'accept', content: {}, _meta: null },
      { action: 'decline', content: null, _meta: null },
      { permissions: { network: { enabled: true } }, scope: 'turn' },
      { decision: 'approved' },
      { currentTimeAt: 1_700_000_000 },
      'this client does not answer item/tool/requestUserInput',
      'this client does not answer invented/tomorrow',
    ])
  })

  it('ends all running turns at once when the process dies, and starts another for the next', async () => {
    const turns: FakeTurn[] = []
    const { fake, start } = world((turn) => void turns.push(turn))
    const running = ['a', 'b', 'c'].map((session) => all(start(session, session)))
    while (turns.length < 3) await settled()
    turns[0]?.report('item/started', { item: { type: 'commandExecution', id: 'c1' } })
    await settled()
    fake.processes[0]?.die('exit code 101 (thread panicked)')
    const ends = (await Promise.all(running)).map((events) => events.at(-1))
    expect(ends).toEqual(
      Array.from({ length: 3 }, () => ({
        type: 'failed',
        reason: 'crashed',
        message: 'codex app-server ended: exit code 101 (thread panicked)',
      })),
    )
    expect((await running[0])?.at(-2)).toEqual({ type: 'tool', phase: 'ended', name: 'shell' })
    fake.onTurn = (turn) => turn.reply('back')
    expect(messages(await all(start('a', 'x', { resumeToken: 'thread-1' })))).toEqual(['back'])
    expect(fake.processes).toHaveLength(2)
    expect(fake.processes[1]?.calls).toContain('thread/resume')
  })

  it('reports a process that dies before it is ready', async () => {
    const { fake, start } = world()
    fake.stillborn = 'exit code 127 (env: codex: No such file or directory)'
    expect(await all(start('a', 'x'))).toEqual([
      {
        type: 'failed',
        reason: 'crashed',
        message: 'codex app-server ended: exit code 127 (env: codex: No such file or directory)',
      },
    ])
    fake.stillborn = undefined
    expect(messages(await all(start('a', 'y')))).toEqual(['re: y'])
  })

  it('says when a session is lost, and loads one again that was put away', async () => {
    const { fake, start } = world()
    expect(await all(start('a', 'x', { resumeToken: 'thread-77' }))).toEqual([
      { type: 'failed', reason: 'resume-lost', message: 'no rollout found for thread id thread-77' },
    ])
    await all(start('a', 'x'))
    fake.processes[0]?.unload('thread-1')
    expect(messages(await all(start('a', 'y', { resumeToken: 'thread-1' })))).toEqual(['re: y'])
    fake.processes[0]?.unload('thread-1')
    fake.threads.delete('thread-1')
    expect((await all(start('a', 'z', { resumeToken: 'thread-1' }))).at(-1)).toMatchObject({
      reason: 'resume-lost',
    })
  })

  it('begins anew when a process has many threads, once nothing runs', async () => {
    const { fake, start } = world()
    for (let i = 0; i < 101; i += 1) await all(start(`s${i}`, 'x'))
    expect(fake.processes).toHaveLength(2)
    expect(messages(await all(start('s0', 'y', { resumeToken: 'thread-1' })))).toEqual(['re: y'])
  })

  it('closes, twice, and starts nothing after', async () => {
    const { fake, provider, start } = world()
    await provider.close()
    expect(await all(start('a', 'x'))).toMatchObject([{ type: 'failed' }])
    expect(fake.processes).toHaveLength(0)
    const other = world()
    await all(other.start('a', 'x'))
    await Promise.all([other.provider.close(), other.provider.close()])
    expect(other.logged).toContain('codex_ended')
  })
})
