import type { McpServer } from '@creel/protocol'
import { z } from 'zod'
import { CreelError } from '../domain/errors.ts'
import type { GroupName } from '../domain/ids.ts'
import { isSameServer } from '../domain/tool-server.ts'
import { configOf, existingGroup } from './group-commands.ts'
import type { OperatorCommand, OperatorPorts } from './ports.ts'

/** A line of `creel mcp list`. */
export interface ServerLine {
  readonly group: string
  readonly name: string
  readonly server: McpServer
  /** `container.json`, or who allowed it. */
  readonly from: string
  /** When it was allowed; null for one of container.json. */
  readonly at: number | null
  /** container.json has come to have one of its name, which is used in its place. */
  readonly shadowed: boolean
}

const ListArgs = z.strictObject({ group: z.string().optional() })

export const toolServerList: OperatorCommand = {
  run(ports, args) {
    const { group } = ListArgs.parse(args)
    const groups = group === undefined ? ports.groups.names() : [existingGroup(ports, group)]
    return groups.flatMap((name) => linesOf(ports, name))
  },
}

const RemoveArgs = z.strictObject({ group: z.string(), name: z.string() })

export const toolServerRemove: OperatorCommand = {
  run(ports, args) {
    const { group, name } = RemoveArgs.parse(args)
    const agent = existingGroup(ports, group)
    if (!ports.toolServers.remove(agent, name)) throw notThere(ports, agent, name)
    ports.live.nudgeGroup(agent)
    return { group: agent, name }
  },
}

function linesOf(ports: OperatorPorts, group: GroupName): ServerLine[] {
  const config = configOf(ports, group)
  const own = 'error' in config ? [] : Object.entries(config.mcpServers)
  return [
    ...own.map(([name, server]) => ({
      group,
      name,
      server,
      from: 'container.json',
      at: null,
      shadowed: false,
    })),
    ...ports.toolServers.of(group).map(({ name, server, by, at }) => {
      const shadowed = own.some(([known]) => isSameServer(known, name))
      return { group, name, server, from: by, at, shadowed }
    }),
  ]
}

function notThere(ports: OperatorPorts, group: GroupName, name: string): CreelError {
  const isOwn = linesOf(ports, group).some((line) => line.name === name)
  return isOwn
    ? new CreelError('invalid', `${name} is a tool server of container.json`, {
        hint: `take it out of "mcpServers" in groups/${group}/container.json`,
      })
    : new CreelError('not_found', `${group} has no added tool server ${name}`, {
        hint: `./creel mcp list ${group} shows those that it has`,
      })
}
