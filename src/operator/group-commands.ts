import { z } from 'zod'
import { type GroupConfig, PROVIDERS } from '../config/schema.ts'
import { usualQueue } from '../domain/binding.ts'
import { CreelError, errorText } from '../domain/errors.ts'
import { type GroupName, isGroupName } from '../domain/ids.ts'
import type { BindingSettings } from '../domain/ports/stores.ts'
import type { OperatorCommand, OperatorPorts } from './ports.ts'

/** The channels of Creel itself: each agent has one chat there, and only owners get in. */
const OWN_CHANNELS = ['web', 'terminal'] as const
const OWN_BINDING: BindingSettings = {
  engage: 'always',
  session: 'shared',
  senders: 'strict',
  queue: usualQueue('private'),
}

/** Checks a name that somebody typed. */
export function groupName(text: string): GroupName {
  if (isGroupName(text)) return text
  throw new CreelError('invalid', `group name: expected a-z, 0-9 and -, at most 31 characters, got “${text}”`)
}

/** Like groupName, and it must exist. */
export function existingGroup(ports: Pick<OperatorPorts, 'groups'>, text: string): GroupName {
  const name = groupName(text)
  if (ports.groups.exists(name)) return name
  const known = ports.groups.names().join(', ') || 'none yet'
  throw new CreelError('not_found', `there is no group ${name} (there is: ${known})`, {
    hint: `./creel group add ${name}`,
  })
}

/** Gives every agent its web and terminal chat. Idempotent; run at start and after each `group add`. */
export function bindOwnChats(ports: Pick<OperatorPorts, 'groups' | 'directory' | 'clock'>): void {
  const { groups, directory, clock } = ports
  const names = groups.names()
  const now = clock.now()
  // A start waits for this: what is there costs one query, and what is missing one commit, with a thousand groups.
  directory.inOneCommit(() => {
    for (const channel of OWN_CHANNELS) {
      const bound = directory.groupsWithOwnChat(channel, 'main')
      for (const group of names.filter((name) => !bound.has(name))) {
        const chat = directory.chatFor({ channel, account: 'main', chat: group }, 'private', group, now)
        directory.bind(chat.id, group, OWN_BINDING, now)
      }
    }
  })
}

const AddArgs = z.object({
  name: z.string(),
  provider: z.string().default('demo'),
  model: z.string().optional(),
  /** Who it is; the beginning of its AGENTS.md. */
  persona: z.string().min(1).max(2_000).optional(),
})

export const groupAdd: OperatorCommand = {
  run(ports, args) {
    const { name, provider, model, persona } = AddArgs.parse(args)
    const group = groupName(name)
    if (!PROVIDERS.some((known) => known === provider)) {
      throw new CreelError('invalid', `provider: expected ${PROVIDERS.join(' or ')}, got ${provider}`)
    }
    const instructions = persona === undefined ? undefined : `# Who you are\n\n${persona}\n`
    ports.groups.add(group, model === undefined ? { provider } : { provider, model }, instructions)
    bindOwnChats(ports)
    return { group, provider }
  },
}

export const groupList: OperatorCommand = {
  run(ports) {
    const { openByGroup } = ports.overview.read()
    return ports.groups.names().map((group) => describe(ports, group, openByGroup))
  },
}

const NameArgs = z.object({ name: z.string() })

export const groupShow: OperatorCommand = {
  run(ports, args) {
    const group = existingGroup(ports, NameArgs.parse(args).name)
    const chats = ports.directory
      .bindingsOf(group)
      .map((binding) => ({ ...binding, chat: ports.directory.chat(binding.chatId) }))
    return {
      ...describe(ports, group, ports.overview.read().openByGroup),
      config: configOf(ports, group),
      chats,
    }
  },
}

export const groupRemove: OperatorCommand = {
  run(ports, args) {
    const group = existingGroup(ports, NameArgs.parse(args).name)
    ports.groupTraces.forget(group, ports.clock.now())
    const movedTo = ports.groups.remove(group)
    ports.live.nudgeGroup(group)
    return { group, movedTo }
  },
}

/** One line about a group; a broken container.json is a problem of that group, not of the list. */
export function describe(ports: OperatorPorts, group: GroupName, openByGroup: ReadonlyMap<string, number>) {
  const { state, problem } = ports.live.group(group)
  const config = configOf(ports, group)
  const broken = 'error' in config ? config.error : null
  return {
    group,
    provider: 'error' in config ? null : config.provider,
    state,
    problem: broken ?? problem,
    waiting: openByGroup.get(group) ?? 0,
  }
}

/** The settings of a group, or what is wrong with them. */
export function configOf(ports: OperatorPorts, group: GroupName): GroupConfig | { error: string } {
  try {
    return ports.groups.load(group)
  } catch (error) {
    return { error: errorText(error) }
  }
}
