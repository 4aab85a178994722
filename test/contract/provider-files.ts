import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { ProviderRig } from '../providers/rig.ts'

/** A picture that no program can take for broken: 16 x 16, red. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR4nGM4ISJCEmIY1TCqYfhqAABMoPABZSSO0wAAAABJRU5ErkJggg==',
  'base64',
)

export interface FileTests {
  readonly rig: () => ProviderRig
  readonly model: boolean
  readonly next: () => string
}

/** What every provider owes to files: those of people reach the model, those of the agent reach the chat. */
export function describeFiles({ rig, model, next }: FileTests): void {
  const file = (name: string, bytes: Buffer) => {
    const path = join(rig().host.dataDir, '..', name)
    writeFileSync(path, bytes)
    return path
  }

  it('is given the images and files of a message', async () => {
    const word = next()
    const files = [file('red.png', PNG), file('notes.txt', Buffer.from('some notes'))]
    // Runtimes add words of their own to an image, which the model would take for the mark.
    if (model) rig().model.on(word, { text: `heard ${word}` })
    await rig().person.say(word, files)
    if (!model) {
      await rig().person.answered(
        `demo: ${word} [image red.png ${PNG.length} bytes] [document notes.txt 10 bytes]`,
      )
      return
    }
    await rig().person.answered(`heard ${word}`)
    const [call] = rig().model.calls(word)
    // Where the file lies, for all; the picture itself, for a model that sees.
    expect(call?.text).toMatch(/\/mail\/in\/files\/[0-9a-f]{64}\.txt \(document \\"notes.txt\\"/)
    expect(call?.text).toMatch(/\/mail\/in\/files\/[0-9a-f]{64}\.png \(image \\"red.png\\", image\/png/)
    expect(call?.text).toContain(PNG.toString('base64'))
    const [name] = /[0-9a-f]{64}\.txt/.exec(call?.text ?? '') ?? []
    expect(await rig().inSandbox('cat', `/mail/in/files/${name}`)).toContain('some notes')
    expect(await rig().inSandbox('sh', '-c', `echo x > /mail/in/files/${name}; true`)).toMatch(/[Rr]ead-only/)
  })

  if (!model)
    it('brings a file that it made into the chat, byte for byte', async () => {
      const made = 'head -c 3000000 /dev/urandom > /workspace/made.bin; sha256sum /workspace/made.bin'
      await rig().person.say(`/demo shell ${made}`)
      await rig().person.answered('/workspace/made.bin')
      await rig().person.say('/demo file made.bin')
      await rig().host.until('the file', async () => (await rig().person.agentFiles()).length > 0)
      const [sent] = await rig().person.agentFiles()
      expect(sent).toMatchObject({ name: 'made.bin', bytes: 3_000_000 })
      const there = await rig().inSandbox('cat', '/workspace/made.bin')
      expect(there.length).toBeGreaterThan(0)
      expect(readFileSync(sent?.path ?? '')).toHaveLength(3_000_000)
    })
}
