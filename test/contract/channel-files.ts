import { expect, it } from 'vitest'
import { ChannelRefusedError } from '../../src/domain/errors.ts'
import type { ChatFile } from '../../src/domain/message.ts'
import { type ChannelWorld, HOSTILE_TEXTS, inWorld, sendAll, sendParts } from './channel-world.ts'

/** What every channel owes to those who send files through it. */
export function fileCases(make: () => Promise<ChannelWorld>): void {
  it('shows a file with its name and caption', () =>
    inWorld(make, async (world) => {
      const file = world.store(Buffer.from('hello'), 'notes for you.txt')
      await sendParts(world, world.channel.renderFile(file, 'the caption'), 'file')
      expect(await world.shownFiles(world.address)).toEqual([
        { name: 'notes for you.txt', caption: 'the caption', bytes: 5 },
      ])
    }))

  it('loses no word of a long caption', () =>
    inWorld(make, async (world) => {
      const words = Array.from({ length: 1000 }, (_, index) => `word${index}`)
      const file = world.store(Buffer.from('hello'), 'a.txt')
      await sendParts(world, world.channel.renderFile(file, words.join(' ')), 'long-caption')
      const [shown] = await world.shownFiles(world.address)
      const after = (await world.shown(world.address)).filter((text) => text.trim() !== shown?.caption)
      const all = [shown?.caption ?? '', ...after].join(' ')
      expect(all.split(/\s+/).filter((word) => word !== '')).toEqual(words)
    }))

  it('takes no text for a file', () =>
    inWorld(make, async (world) => {
      const file = world.store(Buffer.from('hello'), 'a.txt')
      for (const part of world.channel.renderFile(file, 'x'))
        await sendAll(world, part, `forged-${part.length}`)
      expect(await world.shownFiles(world.address)).toEqual([])
      expect(await world.shown(world.address)).not.toEqual([])
    }))

  it('makes parts that it takes of every file, whatever its name, size and caption', () =>
    inWorld(make, async (world) => {
      const { sha256 } = world.store(Buffer.from('hello'), 'a.txt')
      const image = { mime: 'image/png' as const, width: 1, height: 30_000 }
      const files: ChatFile[] = [
        { sha256, name: '../<b>"\r\nX: y"', mime: '', bytes: 5, image: null },
        { sha256, name: '\u202Egnp.exe', mime: 'image/png', bytes: 5, image },
        { sha256, name: 'large.iso', mime: '', bytes: 60_000_000, image: null },
        { sha256, name: 'empty', mime: '', bytes: 0, image: null },
      ]
      for (const [index, file] of files.entries()) {
        const parts = world.channel.renderFile(file, HOSTILE_TEXTS[index] ?? '')
        expect(parts).toEqual(world.channel.renderFile(file, HOSTILE_TEXTS[index] ?? ''))
        await sendParts(world, parts, `odd-${index}`)
      }
      const seen = [...(await world.shownFiles(world.address)), ...(await world.shown(world.address))]
      expect(seen.length).toBeGreaterThanOrEqual(files.length)
    }))

  it('says that a file that it does not know cannot be had', () =>
    inWorld(make, async (world) => {
      const { signal } = new AbortController()
      await expect(world.channel.fetchFile('no such file', null, signal)).rejects.toThrow(ChannelRefusedError)
    }))
}
