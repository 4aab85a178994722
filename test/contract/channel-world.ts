import { expect } from 'vitest'
import type { ChatAddress, ChatFile } from '../../src/domain/message.ts'
import type { Channel } from '../../src/domain/ports/channel.ts'

/** A channel together with both ends of its platform: a person who writes, and the screen of that person. */
export interface ChannelWorld extends AsyncDisposable {
  readonly channel: Channel
  /** A chat that the person is in and the channel may send to; messages of `say` come from it. */
  readonly address: ChatAddress
  /** A well-formed address that the platform refuses to deliver to, where the platform can refuse. */
  readonly refusedAddress?: ChatAddress
  /**
   * The person writes one line. Resolves when the platform (or the person's own client) has it and will go on
   * handing it over until it is acknowledged; does not wait for that.
   */
  say(text: string): Promise<void>
  /** The person presses this button of the newest message; absent where there are no buttons. */
  press?(label: string): Promise<void>
  /** The buttons that the person sees, of all messages. */
  buttons?(address: ChatAddress): Promise<readonly string[]> | readonly string[]
  /** What the bot has put below messages of people, oldest first; absent where there are no reactions. */
  reactions?(): Promise<readonly string[]> | readonly string[]
  /** Whether the platform has been told that the message of this text was taken. */
  isAcknowledged(text: string): boolean
  /** What the person sees of the channel's own messages, oldest first, as plain text. */
  shown(address: ChatAddress): Promise<readonly string[]> | readonly string[]
  /** Puts a file where the channel finds what it is to send. */
  store(bytes: Buffer, name: string): ChatFile
  /** The files that the person sees, oldest first. */
  shownFiles(address: ChatAddress): Promise<readonly ShownFile[]> | readonly ShownFile[]
}

/** A file on the person's screen. */
export interface ShownFile {
  readonly name: string
  /** As plain text; empty without one. */
  readonly caption: string
  readonly bytes: number
}

export const HOSTILE_TEXTS: readonly string[] = [
  '',
  '   \n\n  ',
  '<b>not bold</b> & <script>alert(1)</script>',
  '**unclosed _mess `of ~~marks [and](links',
  '```\nfence that never ends',
  '[click](javascript:alert(1)) ![img](https://example.org/x.png?secret=1)',
  '\u202Egnp.exe\u202C and \u200Bzero\u200Dwidth',
  `lonely \uD800 surrogate and \u0000 a zero`,
  `${'> '.repeat(200)}deep`,
  '| a | b |\n|---|---|\n| 1 | 2 |',
  '👨‍👩‍👧‍👦'.repeat(500),
]

export async function sendAll(world: ChannelWorld, markdown: string, key: string): Promise<string[]> {
  return await sendParts(world, world.channel.render(markdown), key)
}

export async function sendParts(
  world: ChannelWorld,
  parts: readonly string[],
  key: string,
): Promise<string[]> {
  expect(parts.length).toBeGreaterThanOrEqual(1)
  const ids: string[] = []
  const { signal } = new AbortController()
  for (const [index, part] of parts.entries()) {
    ids.push(await world.channel.send(world.address, part, `${key}-${index}`, signal))
  }
  return ids
}

export async function inWorld(
  make: () => Promise<ChannelWorld>,
  run: (world: ChannelWorld) => Promise<void>,
): Promise<void> {
  const world = await make()
  try {
    await run(world)
  } finally {
    await world[Symbol.asyncDispose]()
  }
}
