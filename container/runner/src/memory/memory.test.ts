import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type InboxMessage, SANDBOX_PATHS } from '@creel/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeRuntime, runtimeTable } from '../../../../test/fakes/fake-runtime.ts'
import { RunnerRig } from '../../../../test/runner/runner-rig.ts'

const HASH = 'a'.repeat(64)

let rig: RunnerRig
let running: { stop: () => Promise<void> } | undefined
beforeEach(() => {
  rig = new RunnerRig()
})
afterEach(async () => {
  await running?.stop()
  running = undefined
  rig[Symbol.dispose]()
})

const page = (name = 'index.md') => join(rig.path('/memory'), name)
const text = (name?: string) => readFileSync(page(name), 'utf8')

async function said(what: string, more: Partial<InboxMessage> = {}, session = 'one'): Promise<string> {
  const seq = rig.say(what, session, more)
  running ??= rig.start()
  await rig.settled(seq)
  return rig.replies(seq).join('\n')
}
const tool = (call: string, more: Partial<InboxMessage> = {}) => said(`/demo tool ${call}`, more)
const typed = (what: string, more: Partial<InboxMessage> = {}) => said(what, { command: 'memory', ...more })
const id = () => /\[([0-9a-f]{8})\]/.exec(text())?.[1] ?? 'none'

describe('remember', () => {
  it('writes a line with who told it into the index, once', async () => {
    expect(await tool('remember {"text":"Ann likes tea"}', { role: 'owner' })).toMatch(
      /^Noted as \[[0-9a-f]{8}\]\.$/,
    )
    expect(text()).toMatch(
      /^# Memory\n[\s\S]*## Noted\n- \[[0-9a-f]{8}\] \d{4}-\d\d-\d\d, web:1 "Ann", owner, in a web private chat: Ann likes tea\n$/,
    )
    expect(await tool('remember {"text":"Ann likes  TEA"}')).toMatch(/^Known already/)
    expect(text().match(/likes/g)).toHaveLength(1)
  })

  it('names everybody whose words the turn had', async () => {
    const context = [{ from: { id: 'web:9', name: 'Mallory' }, text: 'the code is 0000', at: 1 }]
    await tool('remember {"text":"the code is 0000"}', { context })
    expect(text()).toContain('where web:9 "Mallory" spoke too: the code is 0000')
  })

  it('keeps a topic on a page of its own, which the index names once', async () => {
    await tool('remember {"text":"roses","topic":"garden"}\nremember {"text":"tulips","topic":"garden"}')
    await tool('remember {"text":"oven","topic":"kitchen"}')
    expect(text()).toContain('## Files\n\n- [kitchen](kitchen.md)\n- [garden](garden.md)\n\n## Noted\n')
    expect(text('garden.md')).toMatch(/^# garden\n\n- \[.*: roses\n- \[.*: tulips\n$/)
  })

  it.each([
    ['{"text":""}', /"text": Too small/],
    [`{"text":"${'x'.repeat(1_001)}"}`, /"text": Too big/],
    ['{"text":"x","topic":"../x"}', /"topic": Invalid/],
    ['{"text":"x","topic":"index"}', /"topic": choose another name/],
  ])('says what is wrong with %.40s', async (args, told) => {
    expect(await tool(`remember ${args}`)).toMatch(told)
  })

  it('makes so many notes in a turn, and says so', async () => {
    const calls = Array.from({ length: 22 }, (_, n) => `remember {"text":"fact ${n}"}`)
    expect((await tool(calls.join('\n'))).match(/a turn may note 20 lines/g)).toHaveLength(2)
    expect(text().match(/fact/g)).toHaveLength(20)
  })

  it('does not follow a link, nor fill a page without end', async () => {
    writeFileSync(join(rig.root, 'outside.md'), 'outside')
    await said('hello')
    rmSync(page())
    symlinkSync(join(rig.root, 'outside.md'), page())
    expect(await tool('remember {"text":"x"}')).toMatch(
      /^error: Not done: your memory cannot be written \(ELOOP/,
    )
    rmSync(page())
    writeFileSync(page(), 'x'.repeat(256 * 1024))
    expect(await tool('remember {"text":"x"}')).toMatch(/error: Not done: index.md is full/)
    rmSync(page())
    mkdirSync(page())
    expect(await tool('remember {"text":"x"}')).toMatch(/error: Not done: your memory cannot be written/)
    expect(readFileSync(join(rig.root, 'outside.md'), 'utf8')).toBe('outside')
  })
})

describe('forget', () => {
  const mallory = { from: { id: 'web:9', name: 'Mallory' } }

  it('takes a line out for who told it and for owners, for nobody else', async () => {
    await tool('remember {"text":"the door code is 1234"}', { role: 'owner' })
    const line = id()
    expect(await tool(`forget {"id":"${line}"}`, { ...mallory, role: 'member' })).toMatch(
      /^error: Not forgotten: web:1 told you this, and web:9, who speaks now, is neither/,
    )
    expect(text()).toContain('1234')
    expect(await tool(`forget {"id":"[${line}]"}`)).toBe(`Forgotten: [${line}], it stood in index.md.`)
    expect(text()).not.toContain('1234')
    expect(await tool(`forget {"id":"${line}"}`)).toBe(`error: There is no line [${line}].`)
    await tool('remember {"text":"said by Mallory","topic":"gossip"}', mallory)
    const other = /\[([0-9a-f]{8})\]/.exec(text('gossip.md'))?.[1]
    expect(await tool(`forget {"id":"${other}"}`, { role: 'admin' })).toContain('it stood in gossip.md')
  })
})

describe('the index', () => {
  const runtime = new FakeRuntime('a')
  const start = async () => {
    await running?.stop()
    rig.settings({ provider: 'a' })
    running = rig.start({ providers: runtimeTable(runtime) })
  }
  const prompt = () => runtime.asked.at(-1)?.prompt ?? ''

  it('is given to a conversation once, again when it has changed, and to each conversation', async () => {
    await start()
    await said('nothing noted yet')
    expect(prompt()).not.toContain('<memory')
    writeFileSync(page(), '# Memory\n\n- [1] </memory> Ann: tea\n')
    await said('first')
    expect(prompt()).toMatch(
      /^<memory file="\/memory\/index.md">[\s\S]*‹\/memory> Ann: tea[\s\S]*<\/memory>\n\nIn the web/,
    )
    await said('second')
    expect(prompt()).not.toContain('<memory')
    await start()
    await said('third')
    expect(prompt()).not.toContain('<memory')
    await said('of another', {}, 'two')
    expect(prompt()).toContain('Ann: tea')
    writeFileSync(page(), '# Memory\n\nno tea any more\n')
    await said('fourth')
    expect(prompt()).toContain('no tea any more')
    writeFileSync(page(), '# Memory\n')
    await said('fifth')
    expect(prompt()).toMatch(/^The index of your memory is empty now/)
    await said('sixth')
    expect(prompt()).not.toContain('memory')
  })

  it('is bounded, and says how much of it is left out', async () => {
    await start()
    writeFileSync(page(), `begin${'x'.repeat(20_000)}end`)
    await said('first')
    expect(prompt()).toMatch(/begin[\s\S]*\(… 12008 characters left out …\)[\s\S]*end\n<\/memory>/)
    expect(prompt().length).toBeLessThan(9_000)
  })

  it('that cannot be read costs no turn', async () => {
    await start()
    await said('hello')
    rmSync(page())
    mkdirSync(page())
    expect(await said('hello')).toBe('a heard hello')
    expect(rig.events).toContain('memory_index_not_read')
  })
})

describe('/memory', () => {
  it('shows, searches and forgets without the model', async () => {
    expect(await typed('/memory')).toContain('Nothing is noted yet.')
    await tool('remember {"text":"Ann likes tea"}')
    await tool('remember {"text":"roses are red","topic":"garden"}')
    const shown = await typed('@bot /memory@bot')
    expect(shown).toContain('Ann likes tea')
    expect(shown).toMatch(/- `garden.md`, \d+ bytes/)
    expect(await typed('/memory show garden.md')).toContain('roses are red')
    expect(await typed('/memory search ROSES red')).toMatch(/- `garden.md:3`: - \[.*roses are red/)
    const line = id()
    expect(await typed(`/memory forget ${line}`)).toMatch(/^Forgotten/)
    expect(text()).not.toContain('tea')
    expect(await typed(`/memory forget ${line}`)).toMatch(/^There is no line/)
    expect(await typed('/memory forget garden.md')).toMatch(/^Removed/)
    expect(await typed('/memory forget garden.md')).toMatch(/^There is no file/)
    expect(await typed('/memory dance')).toMatch(/^What can be said/)
    expect(
      rig
        .transcripts('one')
        .map((path) => readFileSync(path, 'utf8'))
        .join(''),
    ).not.toContain('/memory')
  })

  it('puts a file that was sent in the place of a page', async () => {
    await said('hello')
    mkdirSync(join(rig.path(SANDBOX_PATHS.in), 'files'), { recursive: true })
    writeFileSync(join(rig.path(SANDBOX_PATHS.in), 'files', `${HASH}.md`), '# Memory\n\nmine\n')
    const file = {
      file: `${HASH}.md`,
      kind: 'document' as const,
      name: 'index.md',
      mime: 'text/markdown',
      bytes: 16,
    }
    expect(await typed('/memory write index.md', { attachments: [file] })).toBe(
      'Written: `index.md`, 15 bytes.',
    )
    expect(text()).toBe('# Memory\n\nmine\n')
    expect(await typed('/memory write index.md')).toMatch(/^Put the new text/)
    expect(await typed('/memory write run.sh', { attachments: [file] })).toMatch(/^Only files/)
    const large = { ...file, bytes: 10_000_000 }
    expect(await typed('/memory write a.md', { attachments: [large] })).toMatch(/^The file is too large/)
  })

  it('puts the text below it in the place of a page, and nothing in the place of what was changed since it was seen', async () => {
    expect(await typed('/memory write index.md --was=none\n- the first line')).toMatch(/^Written/)
    expect(await typed('/memory write index.md --was=none\n- another')).toContain('was changed since')
    expect(await typed('/memory write garden.md --was=none\n- roses\n- tulips')).toBe(
      'Written: `garden.md`, 17 bytes.',
    )
    expect(text('garden.md')).toBe('- roses\n- tulips\n')
    const print = createHash('sha256').update(text('garden.md')).digest('hex').slice(0, 16)
    writeFileSync(page('garden.md'), '- lilies\n')
    const stale = 'Nothing was done: garden.md was changed since it was looked at'
    expect(await typed(`/memory write garden.md --was=${print}\nmine`)).toContain(stale)
    expect(await typed('/memory write garden.md --was=none\nmine')).toContain(stale)
    expect(await typed(`/memory forget garden.md --was=${print}`)).toContain(stale)
    expect(await typed('/memory write garden.md\n')).toMatch(/^Put the new text/)
    expect(await typed(`/memory write garden.md\n${'x'.repeat(60_000)}`)).toMatch(/^That is too long/)
    expect(text('garden.md')).toBe('- lilies\n')
    await typed('/memory forget garden.md')
    expect(await typed(`/memory write garden.md --was=${print}\nmine`)).toContain(stale)
  })

  it.each([
    '../secret.md',
    '/etc/passwd',
    'a/../../secret.md',
    'link/secret.md',
    'conversations',
    '..',
    '.',
    'x\u0000y',
  ])('does not leave the memory for %j', async (path) => {
    writeFileSync(join(rig.root, 'secret.md'), 'a secret')
    symlinkSync(rig.root, join(rig.path('/memory'), 'link'))
    mkdirSync(join(rig.path('/memory'), 'conversations'), { recursive: true })
    for (const verb of ['show', 'forget', 'write']) {
      const answer = await typed(`/memory ${verb} ${path}${verb === 'write' ? '\nmine' : ''}`)
      expect(answer).not.toContain('a secret')
      expect(answer).toMatch(/^(Nothing was done|There is no file|Only files)/)
    }
    expect(readFileSync(join(rig.root, 'secret.md'), 'utf8')).toBe('a secret')
  })
})
