import { afterEach, beforeEach, expect, it } from 'vitest'
import { approvalCode, payloadHash } from '../../src/approvals/approval-code.ts'
import type { GroupName, InboundId, UserId } from '../../src/domain/ids.ts'
import { CliRig } from './cli-rig.ts'

const HOME = 'home' as GroupName

let cli: CliRig
beforeEach(() => {
  cli = new CliRig()
})
afterEach(() => cli[Symbol.dispose]())

/** The agent home has asked for a way to this host. */
function ask(host: string): void {
  using core = cli.core()
  const address = { channel: 'telegram', account: 'main', chat: '7' }
  const chat = core.directory.chatFor(address, 'private', 'Ann', core.clock.now())
  const payload = JSON.stringify({ host, port: 443, private: false })
  const shown = { kind: 'egress' as const, group: HOME, payload, card: `home wants to reach ${host}` }
  const now = core.clock.now()
  core.approvals.add({
    ...{ ...shown, payloadHash: payloadHash(shown), code: approvalCode(shown), key: `home:${host}` },
    ...{ session: 's', inboundId: 1 as InboundId, askedBy: 'telegram:5' as UserId, askedByName: 'Ann\u202e' },
    ...{ chatId: chat.id, thread: undefined, askedAt: now, expiresAt: (now + 60_000) as never },
    choices: [
      { id: 'once', label: 'Once', allows: true },
      { id: 'always', label: 'Always', allows: true },
      { id: 'deny', label: 'Deny', allows: false },
    ],
    ...{ cardKey: null, cardChatId: null },
  })
}

it('lists, shows, allows and denies what agents asked for, for people and for scripts', async () => {
  expect((await cli.run('approvals')).out).toBe('nothing waits for a decision\n')
  ask('one.example.com')
  ask('two.example.com')
  expect((await cli.run('approvals', 'list')).out).toMatch(
    /2 +home +egress +.*two\.example\.com.*once, always, deny/,
  )
  expect(await cli.json('approvals', 'show', '1')).toMatchObject({
    ...{ group: 'home', state: 'asked', payload: { host: 'one.example.com' }, asked_by: 'telegram:5' },
    shown: 'home wants to reach one.example.com',
  })
  expect((await cli.run('approvals', 'show', '1')).out).not.toContain('\u202e')
  expect(await cli.json('approvals', 'allow', '1', 'always')).toMatchObject({
    state: 'allowed',
    choice: 'always',
  })
  expect((await cli.run('approvals', 'deny', '2')).out).toContain(
    '2: Denied by `the command line` (`operator:cli`)',
  )
  expect(await cli.json('approvals', 'list')).toEqual([])
  expect(await cli.json<unknown[]>('approvals', 'list', '--all')).toHaveLength(2)
})

it.each([
  [['approvals', 'show', '9'], 'there is no approval 9'],
  [['approvals', 'allow', 'seven'], 'expected a number'],
  [['approvals', 'allow', '1', 'forever'], 'Expected one of: once (Once), always (Always), deny (Deny).'],
])('%j is refused in one sentence', async (args, message) => {
  ask('one.example.com')
  const { code, err } = await cli.run(...args)
  expect(err).toContain(message)
  expect(code).toBe(1)
})

it('refuses what is decided already', async () => {
  ask('one.example.com')
  await cli.run('approvals', 'deny', '1')
  expect((await cli.run('approvals', 'allow', '1')).err).toContain('This is decided already. Denied')
})
