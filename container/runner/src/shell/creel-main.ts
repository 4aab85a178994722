import { join } from 'node:path'
import { SANDBOX_PATHS, SHELL_DOOR_FILE } from '@creel/protocol'
import { shellCommand } from './command-line.ts'
import { runShellCommand } from './run-command.ts'

const [, , ...argv] = process.argv
const command = shellCommand(argv, process.env.CREEL_SESSION)
const { ok, text } = await runShellCommand(command, join(SANDBOX_PATHS.home, SHELL_DOOR_FILE))
if (ok) process.stdout.write(`${text}\n`)
else process.stderr.write(`${text}\n`)
process.exitCode = ok ? 0 : 1
