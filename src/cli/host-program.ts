import { Command } from 'commander'
import type { CliContext } from './context.ts'
import { addLifeCommands } from './life-commands.ts'

const INTRO = `Creel: personal AI agents, each locked in its own container, woken from your chats.

Begin with "creel up" and open the link it prints, or with "creel setup", which asks for model and chats.
Every command has --help.`

const OUTRO = `
Words: a group is an agent (folder groups/<name>), a chat is a place people talk in, a binding says
which group answers a chat. Settings: creel.toml and groups/<name>/container.json.
"creel test" runs the tests.`

/** The command line with nothing but the commands that run a host: one that starts does not wait for the others. */
export function buildHostProgram(context: CliContext): Command {
  const program = new Command('creel')
    .description(INTRO)
    .addHelpText('after', OUTRO)
    .showHelpAfterError('(add --help for how it works)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.output.out(text.trimEnd()),
      writeErr: (text) => context.output.err(text.trimEnd()),
    })
  addLifeCommands(program, context)
  return program
}
