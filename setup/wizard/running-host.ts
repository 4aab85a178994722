import { existsSync, statSync } from 'node:fs'
import { hostRuns, startDetached, stopHost } from '../../src/cli/detached-host.ts'
import { prepareImages } from '../../src/cli/set-up.ts'
import { composeFiles, startCompose, usesCompose, writeComposeFiles } from './compose-service.ts'
import { type Service, serviceOf, startUnit, unitState } from './service.ts'
import type { SetupWorld } from './world.ts'

/**
 * Sees to it that a host runs with the settings as they are now; one that was started before creel.toml was last changed
 * is ended in order and begun again. It runs in the background and outlives the set-up. Safe to run again.
 */
export async function ensureHost(world: SetupWorld): Promise<void> {
  const install = world.install()
  await prepareImages(install, world.parts)
  if (usesCompose(install)) {
    if ((await hostRuns(install)) && !isOutdated(world)) return
    writeComposeFiles(await composeFiles(world))
    await startCompose(world)
    return
  }
  if (await hostRuns(install)) {
    if (!isOutdated(world)) return
    await world.parts.steps.run('ending Creel, which runs with older settings', () =>
      stopHost(install, quiet(world)),
    )
  }
  const service = await enabledService(world)
  if (service !== null) {
    await world.parts.steps.run('starting the service', (note) => startUnit(world, service, note))
    return
  }
  await world.parts.steps.run('starting Creel in the background', async () => {
    const link = await startDetached(install, quiet(world))
    if (link !== null) world.chosen.loginLink = link
  })
}

/** The unit that systemd starts with the machine; null where there is none. */
async function enabledService(world: SetupWorld): Promise<Service | null> {
  if (world.parts.machine.init !== 'systemd') return null
  const service = serviceOf(world)
  return (await unitState(world.parts.machine, service)).isEnabled ? service : null
}

/** Its control socket is as old as the running host. */
function isOutdated(world: SetupWorld): boolean {
  const { configFile, paths } = world.install()
  if (!existsSync(configFile) || !existsSync(paths.controlSocket)) return false
  return statSync(configFile).mtimeMs > statSync(paths.controlSocket).mtimeMs
}

/** The steps show what goes on. */
function quiet(world: SetupWorld): SetupWorld['context'] {
  const nothing = () => undefined
  return { ...world.context, output: { out: nothing, err: nothing } }
}
