// Composition root, the part about what a sandbox is made of and finds when it starts.
import { PROTOCOL_VERSION } from '@creel/protocol'
import type { GroupConfig, WantedImage } from './config/schema.ts'
import type { Core } from './core.ts'
import type { GroupName } from './domain/ids.ts'
import type { Mailbox } from './domain/ports/mailbox.ts'
import type { PackageBuilder } from './domain/ports/packages.ts'
import type { SandboxSpec } from './domain/ports/sandbox.ts'
import type { Skills } from './domain/ports/skills.ts'
import { withToolServers } from './domain/tool-server.ts'
import { Events } from './events.ts'
import type { Log } from './log.ts'
import type { PackageImages } from './packages/package-images.ts'
import type { GroupMail } from './sandboxes/group-mail.ts'
import { placeSkills } from './sandboxes/place-skills.ts'
import { runnerSettings } from './sandboxes/runner-settings.ts'
import { sandboxSpec } from './sandboxes/sandbox-spec.ts'

export interface SandboxParts {
  readonly core: Core
  readonly log: Log
  readonly mailbox: Pick<Mailbox, 'writeSettings'>
  /** Tag of the runtime image that groups of this kind run on; makes it when it is missing. */
  readonly image: (wanted: WantedImage) => Promise<string>
  readonly packageBuilder: PackageBuilder
  /** Makes the folders a sandbox mounts. Idempotent. */
  readonly prepareFolders: (group: GroupName) => void
  readonly skills: Skills
}

/** What the sandbox of a group is to be; makes its runtime image when it is missing. */
export async function specOf(
  { install, toolServers }: Pick<Core, 'install' | 'toolServers'>,
  images: Pick<PackageImages, 'imageFor'>,
  group: GroupName,
  config: GroupConfig,
  skills: Pick<Skills, 'mark'>,
): Promise<SandboxSpec> {
  const image = await images.imageFor(group, config)
  const { runtime } = install.config.engine
  const skillsMark = skills.mark(group)
  const settings = {
    ...withToolServers(config, toolServers.of(group)),
    // Skills are put there before a sandbox starts.
    ...(skillsMark === '' ? {} : { skillsMark }),
  }
  return sandboxSpec(group, settings, install.paths, {
    image,
    runtime,
    protocol: PROTOCOL_VERSION,
    timezone: config.timezone ?? install.env.timezone,
  })
}

/** Everything that its runner reads at the start. Idempotent. */
export async function prepareSandbox(
  parts: SandboxParts,
  mail: GroupMail,
  group: GroupName,
  config: GroupConfig,
): Promise<void> {
  const { core, mailbox, prepareFolders } = parts
  prepareFolders(group)
  await mail.open(group)
  await placeSkills(group, config, { skills: parts.skills, events: new Events(parts.log) })
  const { groups, install, toolServers } = core
  const maxAttempts = install.config.limits.max_attempts
  const settings = withToolServers(config, toolServers.of(group))
  mailbox.writeSettings(group, runnerSettings(group, settings, { groups, maxAttempts }))
}
