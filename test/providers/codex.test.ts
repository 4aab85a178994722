import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { providerContract } from '../contract/provider.ts'
import { openaiCounted } from '../contract/provider-chat.ts'
import { OPENAI_OVERFLOW } from '../contract/provider-memory.ts'
import { whyNoEngine } from '../docker/test-image.ts'
import { responseStream, toolCall } from './codex-rig.ts'
import type { ProviderRig } from './rig.ts'

const missing = await whyNoEngine()
if (missing) throw new Error(missing)

// Of the models that codex knows the newest are sent no list of tools, by which the mock knows a turn's call.
const CONTAINER = { model: 'gpt-5.5' }

providerContract('codex', {
  model: true,
  container: CONTAINER,
  otherModel: 'gpt-5.4',
  counted: openaiCounted,
  process: 'codex app-server',
  overflow: OPENAI_OVERFLOW,
  // Written by hand: aimock calls tools by flat names, and codex knows those of tool servers by a namespace.
  callTool: (server, tool, args) => ({ pieces: responseStream(toolCall(tool, args, `mcp__${server}`)) }),
  more,
})

/** Tools in the real sandbox. Their calls are written by hand: aimock calls by flat names, which codex knows none of. */
function more(rig: () => ProviderRig): void {
  it('runs commands in the sandbox, under its own sandbox none', async () => {
    const word = 'ping-901'
    const cmd = 'id -u > made-by-codex; echo ran-as $(id -u)'
    rig().model.fault(word, { pieces: responseStream(toolCall('exec_command', { cmd })) })
    await rig().ask(word, `heard ${word}`)
    expect(rig().model.calls(word).at(-1)?.text).toContain('ran-as 10001')
    expect(readFileSync(join(rig().workspace, 'made-by-codex'), 'utf8').trim()).toBe('10001')
    // Its home is where we said, and the settings in it are ours.
    expect(existsSync(join(rig().home, '.codex/sessions'))).toBe(true)
    expect(readFileSync(join(rig().home, '.codex/config.toml'), 'utf8')).toContain(
      'trust_level = "untrusted"',
    )
  })

  it('begins a fresh thread for another model, which the old one is not asked to sum up for', async () => {
    const model = 'gpt-5.6-sol'
    await rig().ask('ping-801', 'heard ping-801')
    rig().configure({ provider: 'codex', model })
    await rig().killSandbox()
    const before = rig().model.requests.length
    await rig().ask('ping-802', 'heard ping-802')
    const asked = rig().model.requests.slice(before)
    expect(asked.map(({ text }) => JSON.parse(text).model)).toEqual([model])
    expect(asked[0]?.text).toMatch(/> heard ping-801[\s\S]*<\/transcript>[\s\S]*ping-802/)
    expect(asked[0]?.text).not.toMatch(/checkpoint compaction/i)
    await rig().ask('ping-803', 'heard ping-803')
    const [later] = rig().model.requests.filter(({ text }) => text.includes('ping-803'))
    expect(later?.text).toContain('heard ping-802')
    rig().configure({ provider: 'codex', ...CONTAINER })
    await rig().killSandbox()
  })
}
