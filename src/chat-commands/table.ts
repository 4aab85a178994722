import type { Role } from '../domain/ports/stores.ts'
import { type ChatCommand, isAdmin } from './command.ts'
import { beginAnew, choose } from './conversation.ts'
import { reachText } from './reach.ts'
import { statusText } from './status.ts'
import { tasksText } from './tasks.ts'
import { timezoneText } from './timezone.ts'

/** Everything that can be said to the host in a chat; other slash words are the agent's. */
export const CHAT_COMMANDS: readonly ChatCommand[] = [
  {
    name: 'stop',
    help: 'end what is being done here, drop what waits',
    who: 'anyone',
    run: ({ group, message }, { stopTurns }) => {
      const stopped = stopTurns(group, message.chatId)
      return { answer: stopped > 0 ? 'Stopped.' : 'Nothing is running here.' }
    },
  },
  {
    name: 'new',
    help: 'begin a new conversation; files and memory stay',
    who: 'anyone',
    run: (call, ports) => ({ answer: beginAnew(call, ports) }),
  },
  {
    name: 'status',
    help: 'what runs and waits, which model, what was used',
    who: 'anyone',
    run: (call, ports) => ({ answer: statusText(call, ports) }),
  },
  {
    name: 'compact',
    help: 'have the conversation so far summed up, to make room',
    who: 'anyone',
    run: () => ({ forward: 'compact' }),
  },
  {
    name: 'memory',
    args: '[show FILE|search WORDS|forget ID|write FILE]',
    help: 'what the agent has noted; have it forget a line or a file, or put text in its place',
    who: 'admin',
    run: () => ({ forward: 'memory' }),
  },
  {
    name: 'model',
    args: '[name|default]',
    help: 'show or choose the model of this conversation',
    who: 'admin',
    run: (call, ports) => ({ answer: choose('model', call, ports) }),
  },
  {
    name: 'effort',
    args: '[level|default]',
    help: 'show or choose how hard it thinks in this conversation',
    who: 'admin',
    run: (call, ports) => ({ answer: choose('effort', call, ports) }),
  },
  {
    name: 'egress',
    help: 'what the agent may reach on the network, what was turned away today',
    who: 'admin',
    run: (call, ports) => ({ answer: reachText(call, ports) }),
  },
  {
    name: 'tasks',
    help: 'what the agent is to do at a time',
    who: 'anyone',
    run: (call, ports) => ({ answer: tasksText(call, ports) }),
  },
  {
    name: 'timezone',
    args: '[Europe/Berlin|default]',
    help: 'on whose clock times are meant that you name',
    who: 'anyone',
    run: (call, ports) => ({ answer: timezoneText(call, ports) }),
  },
  {
    name: 'help',
    help: 'what can be said here',
    who: 'anyone',
    run: ({ roles }) => ({ answer: helpText(roles) }),
  },
]

function helpText(roles: readonly Role[]): string {
  const usable = CHAT_COMMANDS.filter((command) => command.who === 'anyone' || isAdmin(roles))
  const lines = usable.map(({ name, args, help }) => `- \`/${name}${args ? ` ${args}` : ''}\`: ${help}`)
  if (isAdmin(roles)) {
    lines.push(
      '- `/approve <code>`, `/reject <code>`: decide what an agent asks for; the code is in the question',
    )
  }
  if (roles.includes('owner')) {
    lines.push('- `/allow <code>`, `/deny <code>`: let in or refuse who waits; the code is in the question')
  }
  return ['What you can say here besides talking to the agent:', '', ...lines].join('\n')
}
