// How a command of the CLI reaches Creel: through the running host, else by opening the data directory itself.
import { ZodError } from 'zod'
import { callHost, NoHostError } from '../adapters/control/client.ts'
import { offlineDecisions } from '../approval-parts.ts'
import type { Install } from '../config/load.ts'
import { problemsOf } from '../config/problems.ts'
import { type Core, openCore } from '../core.ts'
import { Notices } from '../delivery/notices.ts'
import { CreelError } from '../domain/errors.ts'
import { OPERATOR_COMMANDS } from '../operator/commands.ts'
import type { Live, OperatorPorts } from '../operator/ports.ts'
import { Admission } from '../routing/admission.ts'
import { secretTester, tokenKeeper } from '../secret-parts.ts'
import { voiceTester } from '../voice-parts.ts'

/** Carries out an operator's command in the host, or here when no host runs. */
export async function runCommand(install: Install, command: string, args: unknown = {}): Promise<unknown> {
  try {
    return await callHost(install.paths.controlSocket, command, args)
  } catch (error) {
    if (!(error instanceof NoHostError)) throw error
  }
  const core = openCore(install)
  try {
    return await runOperatorCommand(offlinePorts(core), command, args)
  } finally {
    core[Symbol.dispose]()
  }
}

/** Looks the command up and runs it. */
export async function runOperatorCommand(
  ports: OperatorPorts,
  name: string,
  args: unknown,
): Promise<unknown> {
  const command = Object.hasOwn(OPERATOR_COMMANDS, name) ? OPERATOR_COMMANDS[name] : undefined
  if (!command) throw new CreelError('not_found', `there is no command ${name}`)
  try {
    return await command.run(ports, args)
  } catch (error) {
    if (!(error instanceof ZodError)) throw error
    throw new CreelError('invalid', problemsOf(error, args).join('; '), { cause: error })
  }
}

/** Nothing runs: notices wait in the delivery table, messages for the router. */
function offlinePorts(core: Core): OperatorPorts {
  const notices = new Notices({
    deliveries: core.deliveries,
    directory: core.directory,
    roles: core.roles,
    channelOf: () => undefined,
    clock: core.clock,
    nudge: nobody,
  })
  const { inbound, directory, roles, pairings, clock, defaultGroup, groups } = core
  const { logins, overview, usage, deliveryLog, turnLog, egressRules, egressLog } = core
  const admission = new Admission({
    ...{ inbound, directory, roles, pairings, notices, clock, defaultGroup },
    nudge: nobody,
  })
  const live = noHost(core.install)
  return {
    people: core.people,
    ...{ groups, directory, inbound, roles, pairings, logins, overview, usage, deliveryLog, turnLog, clock },
    ...{ approvals: core.approvals, decisions: offlineDecisions(core, { notices }) },
    ...{ tasks: core.tasks, choices: core.choices, packages: core.packages },
    ...{ admission, live, vault: core.vault, egressRules, egressLog, memory: core.memory },
    ...{ toolServers: core.toolServers, groupTraces: core.groupTraces },
    testVoice: voiceTester(core),
    testSecret: secretTester(core, tokenKeeper(core, { renewed: nobody, refused: nobody, failed: nobody })),
  }
}

function nobody(): void {
  return
}

function noHost(install: Install): Live {
  return {
    running: () => false,
    group: () => ({ state: 'asleep', problem: null }),
    channels: () => [],
    engineProblem: () => null,
    loopDelay: () => null,
    webUrl: () => configuredWebUrl(install),
    sandboxLogs: async () => {
      throw new CreelError('unavailable', 'Creel is not running', { hint: './creel up' })
    },
    shutDown: nobody,
    terminalPending: () => false,
    nudgeGroup: nobody,
    packageProgress: async () => {
      throw new CreelError('unavailable', 'Creel is not running', { hint: './creel up' })
    },
    nudgeChat: nobody,
    nudgeDelivery: nobody,
  }
}

/** Address of the web chat as the settings have it. */
export function configuredWebUrl(install: Install): string {
  const { host, port, public_url } = install.config.web
  if (public_url !== '') return public_url.replace(/\/+$/, '')
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `http://${shown}:${port}`
}
