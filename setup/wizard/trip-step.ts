import { table } from '../../src/cli/output.ts'
import { CreelError } from '../../src/domain/errors.ts'
import { knownGroups } from './group-step.ts'
import { awaitTrip, sendSentence } from './round-trip.ts'
import { ensureHost } from './running-host.ts'
import type { Hop, SetupWorld, WizardStep } from './world.ts'

export const tripStep: WizardStep = {
  name: 'trip',
  title: 'A message there and back',
  async look() {
    return { done: false, text: 'sends one message the whole way' }
  },
  async interactive(world, prompter) {
    const choice = await prompter.select('Start Creel and send a message the whole way?', [
      { value: 'go', label: 'Yes', hint: 'channel, sandbox, gateway, model, and back' },
      { value: 'skip', label: 'Not now' },
      { value: 'back', label: 'Back' },
    ])
    if (choice === 'back') return 'back'
    if (choice === 'skip') return 'skipped'
    await roundTrip(world)
    return 'done'
  },
  async unattended(world, answers) {
    if (answers.trip) await roundTrip(world)
  },
}

async function roundTrip(world: SetupWorld): Promise<void> {
  const group = world.chosen.group ?? (await knownGroups(world))[0]?.group
  if (group === undefined)
    throw new CreelError('not_found', 'there is no agent to talk to', { hint: './creel setup --only group' })
  await ensureHost(world)
  const hops = await (world.chosen.telegramChat === undefined
    ? world.parts.steps.run(`a message to ${group} in the terminal chat`, async (note) =>
        awaitTrip(world, await sendSentence(world, group), note),
      )
    : overTelegram(world, group, world.chosen.telegramChat))
  world.chosen.hops = hops
  for (const line of hopTable(hops).split('\n')) world.say(line)
}

/** Only a person can write to a bot: they are asked to. */
async function overTelegram(
  world: SetupWorld,
  group: string,
  chat: { label: string; since: number },
): Promise<readonly Hop[]> {
  world.say('')
  world.say('  Now write anything to the bot, such as: hello')
  world.say('')
  const trip = { group, chat: chat.label, since: chat.since }
  return world.parts.steps.run(`a message to ${group} on Telegram`, (note) => awaitTrip(world, trip, note))
}

/** Each hop with its time since the message was received, and since the hop before. */
export function hopTable(hops: readonly Hop[]): string {
  const rows = hops.map(({ hop, ms, what }, index) => [
    hop,
    `${ms} ms`,
    `+${ms - (hops[index - 1]?.ms ?? 0)}`,
    what,
  ])
  return table(['hop', 'after', 'step', ''], rows)
}
