import { hostRuns } from '../../src/cli/detached-host.ts'
import { checkMachine } from '../../src/cli/doctor-machine.ts'
import { type Finding, findingText, ok } from '../../src/cli/finding.ts'
import { prepareEngine } from '../../src/cli/set-up.ts'
import { CreelError } from '../../src/domain/errors.ts'
import { installSocket } from '../../src/host-parts.ts'
import type { SetupWorld, WizardStep } from './world.ts'

export const machineStep: WizardStep = {
  name: 'machine',
  title: 'This machine',
  async look(world) {
    const findings = await machineFindings(world)
    const answer = await world.parts.machine.ping(installSocket(world.install()))
    const problems = findings.filter(({ level }) => level === 'problem')
    if (answer.state !== 'answers') return { done: false, text: 'no container engine answers' }
    if (problems.length > 0) return { done: false, text: problems.map(({ text }) => text).join('; ') }
    return { done: true, text: `engine API ${answer.apiVersion}, ${world.facts.arch}` }
  },
  async interactive(world, prompter) {
    const findings = await machineFindings(world)
    prompter.note(this.title, findings.map(findingText))
    if (findings.some(({ level }) => level === 'problem')) {
      const next = await prompter.select('Something here needs you first', [
        { value: 'again', label: 'Look again' },
        { value: 'on', label: 'Go on all the same' },
      ])
      if (next === 'again') return this.interactive(world, prompter)
    }
    await engine(world)
    return 'done'
  },
  async unattended(world) {
    const findings = await machineFindings(world)
    for (const finding of findings) if (finding.level !== 'ok') world.say(findingText(finding))
    const [problem] = findings.filter(({ level }) => level === 'problem')
    if (problem !== undefined)
      throw new CreelError('unavailable', `${problem.check}: ${problem.text}`, {
        ...(problem.hint === undefined ? {} : { hint: problem.hint }),
      })
    await engine(world)
  },
}

async function machineFindings(world: SetupWorld): Promise<readonly Finding[]> {
  const install = world.install()
  const machine = await checkMachine(install, world.facts, await hostRuns(install))
  return [ok('node', world.facts.nodeVersion), ...machine]
}

async function engine(world: SetupWorld): Promise<void> {
  await prepareEngine(world.install(), world.parts)
}
