import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { GROUP } from '../providers/rig.ts'
import { ECHO_SERVER, script, type ToolTests } from './provider-tools.ts'

/** What an agent has its people give it: there in the very turn that tells of their decision, in the same conversation. */
export function describeSelfChange(tests: ToolTests): void {
  describe('what an agent asks to have', () => {
    describeServer(tests)
  })
}

function describeServer({ rig, next, heard, lines, call }: ToolTests): void {
  it('is a tool server: its tool answers in the turn that tells of the yes, and is gone when it is taken away', async () => {
    await heard()
    const word = next()
    copyFileSync(join(import.meta.dirname, '../providers', ECHO_SERVER), join(rig().workspace, ECHO_SERVER))
    const args = {
      ...{ name: 'tides', reason: `for ${word}` },
      ...{ command: 'node', args: [`/workspace/${ECHO_SERVER}`], env: { LAB: 'lab-7' } },
    }
    if (call) script(rig(), word, call('creel', 'add_mcp_server', args))
    await rig().person.say(call ? word : `/demo tool add_mcp_server ${JSON.stringify(args)}`)
    await rig().person.answered(call ? `heard ${word}` : 'The owner is asked for the tool server tides')
    await rig().host.until('the card', async () => (await lines(`\`for ${word}\``)).length > 0)
    const card = (await lines(`\`for ${word}\``)).join('')
    for (const shown of ['`node`', `\`/workspace/${ECHO_SERVER}\``, '`LAB=lab-7`'])
      expect(card).toContain(shown)
    const told = 'The tool server tides is yours'
    if (call) {
      script(rig(), told, call('tides', 'echo_token', { text: 'abc' }))
      rig().model.on(told, { text: `used for ${word}` }, 'tool-result')
    }
    await rig().person.say(/\/approve [a-z0-9-]+/.exec(card)?.[0] ?? 'no code')
    await rig().person.answered(call ? `used for ${word}` : told)
    if (call) {
      const answered = rig().model.calls(told).at(-1)?.text ?? ''
      expect(answered).toContain('TOKEN-RESULT:abc:lab-7')
      // The conversation is the one that it was asked in.
      expect(answered).toContain(word)
    } else await rig().ask('/demo tool get_status {}', '"tides": "working"')
    expect(await rig().host.call('tool-server-list', { group: GROUP })).toMatchObject([{ name: 'tides' }])
    await rig().host.call('tool-server-remove', { group: GROUP, name: 'tides' })
    const after = await heard()
    const { tools } = JSON.parse(rig().model.calls(after).at(-1)?.text ?? '{}') as { tools?: object[] }
    expect(JSON.stringify(tools ?? [])).not.toContain('echo_token')
  })
}
