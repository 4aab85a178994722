import type { Install } from '../config/load.ts'
import type { PackageLine } from '../operator/package-commands.ts'
import { type Finding, ok } from './finding.ts'
import { runCommand } from './session.ts'

/** Agents that do not have the packages which their settings name. */
export async function checkPackages(install: Install): Promise<Finding[]> {
  const lines = (await runCommand(install, 'package-list')) as PackageLine[]
  return lines.filter(({ state }) => state !== 'none').map(findingOf)
}

function findingOf({ group, packages, state, problem }: PackageLine): Finding {
  const check = `packages of ${group}`
  if (state === 'ready') return ok(check, packages.join(' '))
  if (state === 'failed') {
    const hint = `it runs with what it had: mend "packages" in its container.json, or creel packages rollback ${group}`
    return { check, level: 'problem', text: problem ?? 'they could not be installed', hint }
  }
  return {
    ...{ check, level: 'warning', text: `${packages.join(' ')}: not installed yet` },
    hint: 'Creel does it while it runs: ./creel up; creel packages list shows how far it is',
  }
}
