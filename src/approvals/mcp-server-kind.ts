import { McpServer } from '@creel/protocol'
import { z } from 'zod'
import type { Groups } from '../config/groups.ts'
import { CreelError } from '../domain/errors.ts'
import type { GroupName } from '../domain/ids.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { ToolServerStore } from '../domain/ports/tool-servers.ts'
import { isSameServer, MAX_ADDED_SERVERS } from '../domain/tool-server.ts'
import type { ApprovalKind, AskedFor } from './approval-kind.ts'
import { quoted } from './quoted.ts'
import { nameProblem, serverLines, serverProblem } from './server-ask.ts'

const OPEN_MS = 24 * 3_600_000
const MAX_REASON = 300

const Payload = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('add'), name: z.string(), server: McpServer }),
  /** `approvalId`: the ask that it came with; one that was added since is another. */
  z.strictObject({
    do: z.literal('remove'),
    name: z.string(),
    server: McpServer,
    approvalId: z.number(),
  }),
])
type Payload = z.infer<typeof Payload>
/** What of it is there even when nobody was asked. */
const Named = z.object({ name: z.string() })

export interface McpServerKindPorts {
  readonly servers: ToolServerStore
  readonly groups: Pick<Groups, 'exists' | 'load'>
  readonly clock: Pick<Clock, 'now'>
}

/** A tool server that an agent wants to have, or to have taken away. */
export function mcpServerKind(ports: McpServerKindPorts): ApprovalKind {
  return {
    name: 'mcp_server',
    decides: 'admin',
    renews: true,
    read(group, ask) {
      if (ask.kind !== 'mcp_server') throw new Error(`an ask of kind ${ask.kind}`)
      const { server, reason } = ask
      const name = ask.name.trim()
      return server === undefined
        ? readRemoval(group, name, reason, ports)
        : readAddition(group, name, server, reason, ports)
    },
    carryOut(approval) {
      const { group, id, decidedBy } = approval
      const payload = Payload.parse(JSON.parse(approval.payload))
      const { name } = payload
      if (!ports.groups.exists(group))
        throw new CreelError('not_found', `there is no agent ${group} any more`)
      if (payload.do === 'remove') {
        ports.servers.remove(group, name, payload.approvalId)
        return `The tool server ${name} is gone, and its tools with it.`
      }
      if (ownServer(group, name, ports) !== undefined)
        throw new CreelError('conflict', `container.json has a tool server of that name by now`)
      const by = `${decidedBy ?? 'nobody'}, request ${id}`
      ports.servers.add({ group, name, server: payload.server, approvalId: id, by, at: ports.clock.now() })
      return `The tool server ${name} is yours; you have its tools now. If you do not see them, get_status says whether it works.`
    },
    about: ({ payload }) =>
      `your request about the tool server ${quoted(Named.parse(JSON.parse(payload)).name, 40)}`,
    expired: () => 'Nobody decided in time, which counts as a no. Go on without it.',
  }
}

function readAddition(
  group: GroupName,
  name: string,
  server: McpServer,
  reason: string,
  ports: McpServerKindPorts,
): AskedFor {
  const problem = nameProblem(name) ?? serverProblem(server)
  if (problem !== null) return no(problem)
  const own = configured(group, ports)
  if (own === null)
    return no('Your container.json cannot be read; tell the person that its owner has to mend it.')
  const taken = own.find((known) => isSameServer(known, name))
  if (taken !== undefined)
    return no(
      `There is a tool server ${taken} in container.json, which only its owner changes. Take another name.`,
    )
  const added = ports.servers.of(group)
  const same = added.find((known) => isSameServer(known.name, name))
  if (same !== undefined && same.name === name && isEqual(same.server, server))
    return {
      settled: 'done',
      outcome: 'You have exactly this tool server already; get_status says whether it works.',
    }
  if (same !== undefined)
    return no(`You have another tool server ${same.name}. Ask for its removal first, or take another name.`)
  if (added.length >= MAX_ADDED_SERVERS)
    return no(
      `You have ${MAX_ADDED_SERVERS} added tool servers, which is the bound. Ask for the removal of one first.`,
    )
  const what = [
    `wants a new tool server, ${quoted(name, 40)}, whose tools it could call.`,
    ...serverLines(server),
  ]
  return asked({ do: 'add', name, server }, what, reason, 'Add it')
}

function readRemoval(group: GroupName, name: string, reason: string, ports: McpServerKindPorts): AskedFor {
  const own = configured(group, ports)
  if (own?.includes(name))
    return no(
      `The tool server ${JSON.stringify(name)} is one of container.json, which only its owner changes.`,
    )
  const found = ports.servers.of(group).find((known) => known.name === name)
  if (found === undefined) {
    const names = ports.servers.of(group).map((known) => known.name)
    const there = names.length === 0 ? 'You have added none.' : `You have added: ${names.join(', ')}.`
    return no(`There is no tool server ${JSON.stringify(name.slice(0, 60))} that could be removed. ${there}`)
  }
  const { server, approvalId } = found
  const what = [`wants its tool server ${quoted(name, 40)} to be taken away.`, ...serverLines(server)]
  return asked({ do: 'remove', name, server, approvalId }, what, reason, 'Remove it')
}

function asked(payload: Payload, what: readonly string[], reason: string, label: string): AskedFor {
  return {
    payload,
    what: [...what, '', `Its words: ${quoted(reason, MAX_REASON)}`].join('\n'),
    choices: [
      { id: payload.do, label, allows: true },
      { id: 'deny', label: 'Deny', allows: false },
    ],
    openMs: OPEN_MS,
  }
}

/** Names of the tool servers of container.json; null when it cannot be read now. */
function configured(group: GroupName, { groups }: McpServerKindPorts): readonly string[] | null {
  try {
    return Object.keys(groups.load(group).mcpServers)
  } catch (error) {
    if (error instanceof CreelError) return null
    throw error
  }
}

function ownServer(group: GroupName, name: string, ports: McpServerKindPorts): string | undefined {
  return configured(group, ports)?.find((known) => isSameServer(known, name))
}

function isEqual(a: McpServer, b: McpServer): boolean {
  return JSON.stringify(canonical(a)) === JSON.stringify(canonical(b))
}

function canonical(server: McpServer): unknown {
  if ('url' in server) return [server.url]
  const variables = Object.entries(server.env).sort(([one], [other]) => (one < other ? -1 : 1))
  return [server.command, server.args, variables]
}

function no(outcome: string): AskedFor {
  return { settled: 'denied', outcome }
}
