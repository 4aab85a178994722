import type { Machine } from '../../setup/machine.ts'
import { usesCompose } from '../../setup/wizard/compose-service.ts'
import { servicePlace, unitState } from '../../setup/wizard/service.ts'
import { UNIT_NAME } from '../../setup/wizard/service-unit.ts'
import type { Install } from '../config/load.ts'
import { type Finding, ok } from './finding.ts'

/** Whether systemd or Compose starts Creel with the machine. None is needed, but one that is there should work. */
export async function checkService(install: Install, machine: Machine): Promise<Finding[]> {
  if (usesCompose(install)) return [ok('service', 'Docker Compose runs Creel (docker-compose.override.yml)')]
  if (machine.init !== 'systemd') return [ok('service', 'no systemd here')]
  const place = servicePlace(machine, install.env.configHome)
  const { isWritten, isEnabled, isActive } = await unitState(machine, place)
  if (!isWritten)
    return [ok('service', 'none: ./creel up -d starts Creel, ./creel setup --only service makes one')]
  const systemctl = place.scope === 'user' ? 'systemctl --user' : 'systemctl'
  if (!isEnabled) {
    const hint = `${systemctl} enable --now ${UNIT_NAME}`
    return [{ check: 'service', level: 'warning', text: `${place.path} is not enabled`, hint }]
  }
  if (isActive) return [ok('service', `${UNIT_NAME} is enabled and runs`)]
  const hint = `${systemctl} status ${UNIT_NAME} says why; ${systemctl} start ${UNIT_NAME} starts it`
  return [{ check: 'service', level: 'problem', text: `${UNIT_NAME} is enabled, and does not run`, hint }]
}
