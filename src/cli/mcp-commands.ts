import type { McpServer } from '@creel/protocol'
import type { Command } from 'commander'
import type { ServerLine } from '../operator/tool-server-commands.ts'
import { type CliContext, installOf } from './context.ts'
import { oneLine, print, table } from './output.ts'
import { runCommand } from './session.ts'

const HELP = `
A tool server speaks MCP: it gives an agent more tools. Those of "mcpServers" in groups/NAME/container.json are yours
to write. An agent can ask for more (add_mcp_server): a command, which runs inside its sandbox only, or an address,
which its sandbox may then reach. Owners and admins of the agent decide; what they allowed is listed here and can be
taken away again.

  creel mcp list home                  what the agent home has, and who allowed it
  creel mcp remove tides --group home  from its next turn on`

/** Tool servers of agents: to be seen and taken away. */
export function addMcpCommands(program: Command, context: CliContext): void {
  const mcp = program
    .command('mcp')
    .description('tool servers of agents: list, remove')
    .addHelpText('after', HELP)
  mcp
    .command('list [group]', { isDefault: true })
    .description('tool servers of an agent, or of all')
    .addHelpText(
      'after',
      '\n  creel mcp list home    each with its command or address, and where it comes from',
    )
    .option('--json', 'print the result as JSON')
    .action(async (group: string | undefined, { json }: { json?: boolean }) => {
      const args = group === undefined ? {} : { group }
      const lines = (await runCommand(installOf(context), 'tool-server-list', args)) as ServerLine[]
      print(context.output, json, lines, () => listText(lines))
    })
  mcp
    .command('remove <name>')
    .description('take away a tool server that an agent was given')
    .requiredOption('--group <name>', 'the agent that has it')
    .addHelpText(
      'after',
      '\nA turn that runs keeps it until its end. Those of container.json are taken out of that file.\n\n  creel mcp remove tides --group home',
    )
    .option('--json', 'print the result as JSON')
    .action(async (name: string, { group, json }: { group: string; json?: boolean }) => {
      const result = await runCommand(installOf(context), 'tool-server-remove', { group, name })
      print(context.output, json, result, () => `${group} has the tool server ${oneLine(name)} no more`)
    })
}

function listText(lines: readonly ServerLine[]): string {
  if (lines.length === 0) return 'no tool servers'
  const rows = lines.map(({ group, name, server, from, at, shadowed }) => [
    ...[group, name, serverText(server)],
    shadowed ? `${from} (container.json has another of its name, which is used)` : from,
    at === null ? null : `${new Date(at).toISOString().slice(0, 16)}Z`,
  ])
  return table(['agent', 'name', 'what', 'from', 'since'], rows)
}

function serverText(server: McpServer): string {
  if ('url' in server) return server.url
  const words = [...Object.entries(server.env).map(([name, value]) => `${name}=${value}`)]
  return [...words, server.command, ...server.args]
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word)))
    .join(' ')
}
