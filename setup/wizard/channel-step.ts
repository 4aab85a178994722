import { z } from 'zod'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { callHost } from '../../src/adapters/control/client.ts'
import { oneLine } from '../../src/cli/output.ts'
import { runCommand } from '../../src/cli/session.ts'
import { CreelError } from '../../src/domain/errors.ts'
import { isUntouched, knownGroups } from './group-step.ts'
import type { Prompter } from './prompter.ts'
import { ensureHost } from './running-host.ts'
import { type Change, changeSettings } from './settings-file.ts'
import { askWhoseToken, privacyLines, type TelegramBot, tokenProblem } from './telegram-bot.ts'
import type { SetupWorld, WizardStep } from './world.ts'

const BOT = { channel: 'telegram', account: 'main' } as const
const TOKEN_NAME = 'telegram/main'
const LOOK_MS = 200

export const channelStep: WizardStep = {
  name: 'channel',
  title: 'Where you talk to it',
  async look(world) {
    const { telegram, web } = world.install().config
    const own = web.enabled ? 'web chat and terminal' : 'terminal'
    if (telegram.length === 0 || isUntouched(world)) return { done: false, text: own }
    const owner = await telegramOwner(world)
    return { done: owner !== null, text: `${own}, Telegram (${owner ?? 'nobody is its owner yet'})` }
  },
  async interactive(world, prompter) {
    const known = botOf(world) !== undefined
    const choice = await prompter.select('Where do you want to talk to your agents?', [
      { value: 'telegram', label: known ? 'Telegram: another token' : 'Telegram' },
      ...(known
        ? [{ value: 'pair', label: 'Telegram: become its owner', hint: 'a new pairing code' } as const]
        : []),
      { value: 'own', label: 'On the web page and in the terminal', hint: 'nothing more to do' },
      { value: 'back', label: 'Back' },
    ])
    if (choice === 'back') return 'back'
    if (choice === 'own') return 'done'
    if (choice === 'telegram') {
      const bot = await connect(world, prompter)
      if (bot === null) return this.interactive(world, prompter)
    }
    const pair =
      choice === 'pair'
        ? choice
        : await prompter.select('Become the owner of the bot now? It starts Creel.', [
            { value: 'pair', label: 'Yes', hint: 'you send the bot a code' },
            { value: 'later', label: 'Later', hint: './creel users pair' },
          ])
    if (pair === 'pair') await becomeOwner(world, null)
    return 'done'
  },
  async unattended(world, answers) {
    const { telegram } = answers
    if (telegram === undefined) return
    const { token, api_root: apiRoot } = telegram
    if (token === undefined && botOf(world) === undefined)
      throw new CreelError('invalid', 'Telegram needs the token of a bot', {
        hint: 'give it on standard input with --telegram-token-stdin, or in the JSON as telegram.token',
      })
    if (token !== undefined) {
      const bot = telegram.check
        ? await world.parts.steps.run('asking Telegram whose token it is', () =>
            askWhoseToken(token, apiRoot ?? '', world.context.signal),
          )
        : null
      await keep(world, token, apiRoot)
      if (bot !== null) for (const line of privacyLines(bot)) world.say(line)
      world.chosen.bot = bot?.username ?? 'the bot'
    }
    if (telegram.owner !== undefined)
      await runCommand(world.install(), 'grant', { user: telegram.owner, role: 'owner' })
    if (telegram.wait_s > 0) await becomeOwner(world, telegram.wait_s * 1_000)
  },
}

function botOf(world: SetupWorld) {
  return world.install().config.telegram.find(({ account }) => account === BOT.account)
}

/** Null when they went back. */
async function connect(world: SetupWorld, prompter: Prompter): Promise<TelegramBot | null> {
  prompter.note('A bot of your own', [
    'In Telegram, write to @BotFather: /newbot, then a name. It gives you a token.',
    'Whoever has the token is the bot: Creel keeps it encrypted, and shows it to nobody.',
  ])
  const token = await prompter.secret('The token (empty: back)', tokenProblem)
  if (token === '') return null
  const bot = await world.parts.steps.run('asking Telegram whose token it is', () =>
    askWhoseToken(token, botOf(world)?.api_root ?? world.chosen.telegramApi ?? '', world.context.signal),
  )
  await keep(world, token, world.chosen.telegramApi)
  world.chosen.bot = bot.username
  prompter.note(`@${oneLine(bot.username)} is connected`, privacyLines(bot))
  return bot
}

/** The vault first: settings that name a secret which is not there would keep Creel from starting. */
async function keep(world: SetupWorld, token: string, apiRoot: string | undefined): Promise<void> {
  const bot = botOf(world)
  if (bot !== undefined && bot.token_secret === '')
    throw new CreelError('conflict', `the token of the bot ${BOT.account} is in the file ${bot.token_file}`, {
      hint: `put the new one there; or set token_secret = "${TOKEN_NAME}" in place of token_file in creel.toml`,
    })
  const name = bot?.token_secret ?? TOKEN_NAME
  await runCommand(world.install(), 'vault-set', {
    name,
    value: { kind: 'api-key', key: token },
    default: true,
  })
  if (bot !== undefined) return
  const keys = { token_secret: TOKEN_NAME, ...(apiRoot === undefined ? {} : { api_root: apiRoot }) }
  const entry: Change = { list: 'telegram', keys }
  changeSettings(world.install().configFile, [entry])
}

const Code = z.object({ code: z.string(), expiresAt: z.number() })
const State = z.object({
  state: z.enum(['none', 'expired', 'void', 'waiting', 'paired']),
  user: z.string().optional(),
  chat: z.string().nullish(),
  group: z.string().nullish(),
})

/** Shows a code and waits until somebody has sent it to the bot; `limitMs` null = as long as it is good. */
async function becomeOwner(world: SetupWorld, limitMs: number | null): Promise<void> {
  await ensureHost(world)
  const socket = world.install().paths.controlSocket
  const group = world.chosen.group ?? (await knownGroups(world))[0]?.group
  const asked = group === undefined ? BOT : { ...BOT, group }
  const { code, expiresAt } = Code.parse(await callHost(socket, 'pair-start', asked))
  for (const line of pairingLines(world.chosen.bot, code)) world.say(line)
  const until = limitMs === null ? expiresAt : Math.min(expiresAt, systemClock.now() + limitMs)
  const paired = await world.parts.steps.run('waiting for the code', async (note) => {
    for (;;) {
      const found = State.parse(await callHost(socket, 'pair-state', BOT))
      if (found.state === 'paired') return found
      if (found.state !== 'waiting' || systemClock.now() >= until) throw notPaired(found.state)
      note(`${Math.ceil((until - systemClock.now()) / 1_000)} s left`)
      await systemClock.sleep(LOOK_MS, world.context.signal)
    }
  })
  if (paired.chat) world.chosen.telegramChat = { label: paired.chat, since: systemClock.now() }
  world.chosen.group = paired.group ?? world.chosen.group
  world.say(`${paired.user} is the owner; ${paired.group ?? 'no agent'} answers there`)
}

function pairingLines(bot: string | undefined, code: string): readonly string[] {
  const link =
    bot === undefined || !/^\w{4,64}$/.test(bot)
      ? []
      : [`  or open: https://t.me/${bot}?start=${code.replace('-', '')}`]
  return [
    '',
    `  Send this to the bot, in a private chat: ${code}`,
    ...link,
    '  It is good for ten minutes. Give it to nobody.',
    '',
  ]
}

function notPaired(state: string): CreelError {
  const why =
    state === 'void'
      ? 'too many wrong codes came, or it was shown in a group'
      : 'nobody sent the code in time'
  return new CreelError('timeout', `not paired: ${why}`, {
    hint: 'take this step again, or type: ./creel users pair',
  })
}

const Roles = z.array(z.object({ user: z.string(), role: z.string() }))

async function telegramOwner(world: SetupWorld): Promise<string | null> {
  const roles = Roles.parse(await runCommand(world.install(), 'role-list'))
  return roles.find(({ user, role }) => role === 'owner' && user.startsWith('telegram:'))?.user ?? null
}
