import type { Command } from 'commander'
import { z } from 'zod'
import { hasImage } from '../adapters/docker/agent-image.ts'
import { engineClient } from '../adapters/docker/engine-client.ts'
import type { Install } from '../config/load.ts'
import { PROVIDERS } from '../config/schema.ts'
import { CreelError } from '../domain/errors.ts'
import { expectedAgentImage, installSocket } from '../host-parts.ts'
import { type CliContext, installOf } from './context.ts'
import { print, table } from './output.ts'
import { tryProvider } from './provider-test.ts'
import { runCommand } from './session.ts'

/** One line of `creel provider list`. */
interface ProviderLine {
  readonly provider: string
  readonly image: string
  /** Null when the engine cannot be asked. */
  readonly built: boolean | null
  readonly groups: readonly string[]
}

const Groups = z.array(z.object({ group: z.string(), provider: z.string().nullable() }))

const ENGINE_MS = 10_000

export function addProviderCommands(program: Command, context: CliContext): void {
  const provider = program
    .command('provider')
    .description('what drives agents: list, test')
    .addHelpText(
      'after',
      `
A provider is the program that thinks for an agent, inside its sandbox. Which one an agent has stands in its
container.json ("provider"); where its model is called, in creel.toml under [models]; its key is in the vault
("creel vault --help").`,
    )
  provider
    .command('list')
    .description('the providers there are, whether their image is built, and who uses them')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nAn image that is not built yet is built by "creel up", or when an agent first needs it.',
    )
    .action(async (options: { json?: boolean }) => {
      const lines = await listProviders(installOf(context))
      print(context.output, options.json, lines, () =>
        table(
          ['PROVIDER', 'IMAGE', 'BUILT', 'AGENTS'],
          lines.map(({ provider, image, built, groups }) => [
            provider,
            image,
            built === null ? 'unknown (no engine)' : built ? 'yes' : 'no',
            groups.join(', '),
          ]),
        ),
      )
    })
  provider
    .command('test <group>')
    .description('one tiny turn through the real path, with the time of each step')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Says one sentence in the agent's terminal chat and waits for the answer: host, sandbox, provider, gateway and model
are those of every other message. The host must be running. Exit code 1 when the agent could not answer.`,
    )
    .action(async (group: string, options: { json?: boolean }) => {
      const say = options.json ? () => undefined : (line: string) => context.output.err(line)
      const result = await tryProvider(installOf(context), group, { say, signal: context.signal })
      print(context.output, options.json, result, () =>
        [
          table(
            ['STEP', 'MS', 'WHAT'],
            result.steps.map(({ step, ms, what }) => [step, ms, what]),
          ),
          '',
          result.ok ? `${group} answers with ${result.provider}` : `${group} could not answer`,
        ].join('\n'),
      )
      if (!result.ok)
        throw new CreelError('unavailable', `the provider ${result.provider} of ${group} failed`, {
          hint: './creel logs shows why; ./creel doctor looks at the key of its model, creel.toml has its address under [models]',
        })
    })
}

async function listProviders(install: Install): Promise<readonly ProviderLine[]> {
  const groups = Groups.parse(await runCommand(install, 'group-list'))
  const docker = engineClient(installSocket(install))
  const answers = await docker.ping().then(
    () => true,
    () => false,
  )
  return Promise.all(
    PROVIDERS.map(async (provider): Promise<ProviderLine> => {
      const image = await expectedAgentImage(install, { provider })
      const built = answers ? await hasImage(docker, image, AbortSignal.timeout(ENGINE_MS)) : null
      const users = groups.filter((group) => group.provider === provider).map(({ group }) => group)
      return { provider, image, built, groups: users }
    }),
  )
}
