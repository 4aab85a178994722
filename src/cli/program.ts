import type { Command } from 'commander'
import { addApprovalCommands } from './approval-commands.ts'
import { addBackupCommands } from './backup-commands.ts'
import { addBenchCommand } from './bench-command.ts'
import { addChatCommand } from './chat-command.ts'
import { addChatsCommands } from './chats-commands.ts'
import type { CliContext } from './context.ts'
import { addDoctorCommand } from './doctor-command.ts'
import { addEgressCommands } from './egress-commands.ts'
import { addGroupCommands } from './group-commands.ts'
import { buildHostProgram } from './host-program.ts'
import { addLogsCommand } from './logs-command.ts'
import { addMcpCommands } from './mcp-commands.ts'
import { addMemoryCommands } from './memory-commands.ts'
import { addPackageCommands } from './package-commands.ts'
import { addProviderCommands } from './provider-command.ts'
import { addRelayCommands } from './relay-commands.ts'
import { addRoleCommands } from './role-commands.ts'
import { addSetupCommand } from './setup-command.ts'
import { addSkillsCommands } from './skills-commands.ts'
import { addStatusCommand } from './status-command.ts'
import { addTaskCommands } from './task-commands.ts'
import { refuseUnknownCommands } from './unknown-command.ts'
import { addUsageCommand } from './usage-command.ts'
import { addUserCommands } from './user-commands.ts'
import { addVaultCommands } from './vault-commands.ts'

/** The whole command line. Throws what a command throws; commander's own errors have a code `commander.…`. */
export function buildProgram(context: CliContext): Command {
  const program = buildHostProgram(context)
  addSetupCommand(program, context)
  addStatusCommand(program, context)
  addUsageCommand(program, context)
  addLogsCommand(program, context)
  addChatCommand(program, context)
  addDoctorCommand(program, context)
  addGroupCommands(program, context)
  addProviderCommands(program, context)
  addChatsCommands(program, context)
  addUserCommands(program, context)
  addRoleCommands(program, context)
  addApprovalCommands(program, context)
  addMemoryCommands(program, context)
  addTaskCommands(program, context)
  addVaultCommands(program, context)
  addEgressCommands(program, context)
  addMcpCommands(program, context)
  addSkillsCommands(program, context)
  addPackageCommands(program, context)
  addRelayCommands(program, context)
  addBackupCommands(program, context)
  addBenchCommand(program, context)
  refuseUnknownCommands(program)
  return program
}
