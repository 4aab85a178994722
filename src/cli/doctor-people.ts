import { z } from 'zod'
import type { Install } from '../config/load.ts'
import { type Finding, ok } from './finding.ts'
import { runCommand } from './session.ts'

const Roles = z.array(z.object({ user: z.string(), role: z.string() }))
const Chats = z.array(z.object({ label: z.string(), bindings: z.array(z.object({ exists: z.boolean() })) }))
const Secrets = z.object({ secrets: z.array(z.object({ name: z.string() })) })

/** Whether somebody owns this install, and the bots it has can start and are answered somewhere. */
export async function checkPeople(install: Install): Promise<Finding[]> {
  const roles = Roles.parse(await runCommand(install, 'role-list'))
  const owners = roles.filter(({ role }) => role === 'owner').map(({ user }) => user)
  const owner: Finding =
    owners.length > 0
      ? ok('owner', owners.join(', '))
      : {
          ...{ check: 'owner', level: 'warning', text: 'nobody yet: strangers cannot be asked about' },
          hint: 'open the link that ./creel link prints, or send the bot the code of ./creel users pair',
        }
  return [owner, ...(await bots(install))]
}

async function bots(install: Install): Promise<Finding[]> {
  const { telegram } = install.config
  if (telegram.length === 0) return []
  const chats = Chats.parse(await runCommand(install, 'chat-list'))
  const { secrets } = Secrets.parse(await runCommand(install, 'vault-list'))
  return telegram.flatMap(({ account, token_secret }): Finding[] => {
    const check = `telegram ${account}`
    if (token_secret !== '' && !secrets.some(({ name }) => name === token_secret)) {
      const text = `its token ${token_secret} is not in the vault, so Creel does not start`
      return [{ check, level: 'problem', text, hint: `./creel vault set ${token_secret}` }]
    }
    const prefix = account === 'main' ? 'telegram:' : `telegram/${account}:`
    const bound = chats.filter(
      ({ label, bindings }) => label.startsWith(prefix) && bindings.some(({ exists }) => exists),
    )
    if (bound.length > 0) return [ok(check, `answered in ${bound.map(({ label }) => label).join(', ')}`)]
    const hint = 'send it the code of ./creel users pair, or write to it and ./creel bind the chat'
    return [{ check, level: 'warning', text: 'no agent answers any of its chats', hint }]
  })
}
