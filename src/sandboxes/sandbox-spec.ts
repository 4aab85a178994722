import { createHash } from 'node:crypto'
import { SANDBOX_PATHS } from '@creel/protocol'
import type { GroupName } from '../domain/ids.ts'
import type { SandboxSpec, SpecHash } from '../domain/ports/sandbox.ts'
import type { Paths } from '../paths.ts'
import { SANDBOX_USER } from '../sandbox-user.ts'
import type { SandboxSettings } from './runner-settings.ts'

/** What the install decides for all its sandboxes. */
export interface SandboxInstall {
  /** Image to run, with its tag. */
  readonly image: string
  /** Engine runtime such as `runsc`; absent or empty = the engine's default. */
  readonly runtime?: string
  readonly protocol: number
  /** IANA name; UTC when absent. */
  readonly timezone?: string
}

/** Decides everything about a group's sandbox. Pure; no secret can enter here, because none is given. */
export function sandboxSpec(
  group: GroupName,
  config: SandboxSettings,
  paths: Paths,
  install: SandboxInstall,
): SandboxSpec {
  return {
    group,
    image: install.image,
    env: {
      HOME: SANDBOX_PATHS.home,
      LANG: 'C.UTF-8',
      TMPDIR: '/tmp',
      TZ: install.timezone ?? 'UTC',
      USER: 'agent',
    },
    mounts: [
      { source: paths.mailIn(group), target: SANDBOX_PATHS.in, readOnly: true },
      { source: paths.mailOut(group), target: SANDBOX_PATHS.out, readOnly: false },
      { source: paths.runDir(group), target: SANDBOX_PATHS.run, readOnly: true },
      { source: paths.home(group), target: SANDBOX_PATHS.home, readOnly: false },
      { source: paths.workspace(group), target: SANDBOX_PATHS.workspace, readOnly: false },
      { source: paths.memory(group), target: SANDBOX_PATHS.memory, readOnly: false },
      { source: paths.placedSkills(group), target: SANDBOX_PATHS.skills, readOnly: true },
    ],
    limits: {
      memoryMb: config.limits.memory_mb,
      cpus: config.limits.cpus,
      pids: config.limits.pids,
      tmpMb: config.limits.tmp_mb,
    },
    user: SANDBOX_USER,
    protocol: install.protocol,
    settings: fingerprint(ofSandbox(config)),
    ...(install.runtime ? { runtime: install.runtime } : {}),
  }
}

/** All that a running sandbox could not take up; when it is put to sleep and what may leave it is the host's business alone, and its packages are in its image. */
function ofSandbox({ idle: _, egress: __, packages: ___, limits, ...settings }: SandboxSettings): unknown {
  const { egress: ____, ...ownLimits } = limits
  return { ...settings, limits: ownLimits }
}

/** Fingerprint of a spec: the same for equal specs whatever the order of their keys, 16 hex digits. */
export const specHash: SpecHash = (spec) => fingerprint(spec)

function fingerprint(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex').slice(0, 16)
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}
