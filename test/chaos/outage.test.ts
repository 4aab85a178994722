import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { chaosPrograms } from './chaos-run.ts'
import { complaintsAbout, isSettled } from './oracle.ts'
import { answerOf } from './platform.ts'
import { SeededRandom } from './seeded-random.ts'
import { World } from './world.ts'

/** Ten minutes of the host's clock are fifteen seconds here. What the platform takes to answer is not shortened. */
const SPEED = 40
const OUTAGE_MS = 600_000 / SPEED
const SEND_MS = 40
const REPLIES = 5

it('a platform that is down for ten minutes gets every reply when it is back, in order, once, and no herd; the owner is told once', async () => {
  // A host process with the real channel, real connections and runners; the owner is on a platform that goes on.
  using programs = await chaosPrograms()
  await using world = new World({
    programs,
    ...{ random: new SeededRandom(1), groups: 10, chatsPerGroup: 4, engine: 'process', mutation: null },
    ...{ smallDisk: false, speed: SPEED, owner: 'sure:2' },
  })
  const { platforms, chats } = world
  await world.prepare()
  await world.startHost(null)
  const owner = chats.find(({ platform, chat }) => platform === 'sure' && chat === 2)
  const people = chats.filter(({ platform }) => platform === 'telegram')
  expect(people).toHaveLength(20)
  if (!owner) throw new Error('the owner has no chat')
  world.say(owner, 'words')
  await until('the owner to be known', () => platforms.answered === 1)

  // What people wrote arrives; what is answered does not get out; then nothing does.
  platforms.down = 'telegram sends'
  for (let n = 0; n < REPLIES; n++) for (const chat of people) world.say(chat, 'words')
  await until('all messages to be taken', () => platforms.waiting === 0)
  platforms.down = 'telegram'
  await sleep(OUTAGE_MS)
  expect(platforms.answered).toBe(1)
  // Sixteen at once were under way when it was noticed; from then on one look at a time, ever more rarely.
  expect(platforms.sends).toBeLessThan(60)

  platforms.sendMs = SEND_MS
  platforms.down = false
  await until('all replies', () => isSettled(platforms, world.dataDir))
  // One shows that it is back, and one more goes at a time with each that succeeds: so many chats are no herd.
  expect(platforms.slowSends[0]).toEqual({ underWay: 1, ended: 0 })
  for (const { underWay, ended } of platforms.slowSends) {
    expect(underWay).toBeLessThanOrEqual(ended + 2)
    expect(underWay).toBeLessThanOrEqual(16)
  }
  expect(complaintsAbout(platforms, world.dataDir)).toEqual([])
  for (const { chat } of people) {
    const seen = platforms.shown.filter((one) => one.platform === 'telegram' && one.chat === chat)
    // A “Working …” message may stand between them.
    expect(seen.map(({ text }) => answerOf(text)).filter((n) => n !== null)).toEqual([1, 2, 3, 4, 5])
  }
  const notices = platforms.shown.filter(({ text }) =>
    text.includes('Nothing could be sent to **telegram/main**'),
  )
  expect(notices).toMatchObject([{ platform: 'sure', chat: owner.chat }])
}, 300_000)

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 120_000; !holds(); await sleep(10))
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`)
}
