import { CreelError, EngineUnavailableError } from '../../domain/errors.ts'
import type { EngineInfo } from '../../domain/ports/sandbox.ts'

/**
 * Docker 20.10 (2020): the oldest whose /info tells how limits are enforced (CgroupVersion), and the oldest this
 * adapter is tested with. Podman's Docker API says 1.41 since Podman 4.
 */
const MIN_API = '1.41'

/** The part of `GET /version` that is read. */
export interface EngineVersion {
  readonly Version: string
  readonly ApiVersion: string
}

/** The part of `GET /info` that is read. Older or other engines may leave any of it out. */
export interface EngineFacts {
  readonly OSType?: string
  readonly OperatingSystem?: string
  readonly MemoryLimit?: boolean
  readonly SwapLimit?: boolean
  readonly PidsLimit?: boolean
  readonly CpuCfsQuota?: boolean
  readonly CgroupDriver?: string
  readonly SecurityOptions?: readonly string[] | null
  readonly Runtimes?: Readonly<Record<string, unknown>> | null
}

/**
 * Judges an engine. Refuses (throws) what cannot run a sandbox at all or would run it with less isolation than
 * asked for; what only weakens a bound becomes a warning.
 */
export function judgeEngine(
  version: EngineVersion,
  facts: EngineFacts,
  runtime: string | undefined,
): EngineInfo {
  if (apiNumber(version.ApiVersion) < apiNumber(MIN_API)) {
    throw new EngineUnavailableError(
      `the container engine speaks API ${version.ApiVersion}, expected ${MIN_API} or later`,
      { hint: 'upgrade to Docker 20.10 or later, or to Podman 4 or later' },
    )
  }
  if (facts.OSType !== undefined && facts.OSType !== 'linux') {
    throw new EngineUnavailableError(`the container engine runs ${facts.OSType} containers, expected linux`, {
      hint: 'switch the engine to Linux containers',
    })
  }
  if (runtime && facts.Runtimes && !(runtime in facts.Runtimes)) {
    throw new CreelError(
      'invalid',
      `creel.toml: engine.runtime: expected one of ${Object.keys(facts.Runtimes).join(', ')}, got ${runtime}`,
      { hint: 'add the runtime to the engine, or leave engine.runtime empty for its default' },
    )
  }
  return {
    version: version.Version,
    apiVersion: version.ApiVersion,
    warnings: [...isolationWarnings(facts, runtime), ...limitWarnings(facts)],
  }
}

function isolationWarnings(facts: EngineFacts, runtime: string | undefined): string[] {
  const options = facts.SecurityOptions ?? []
  const has = (name: string) => options.some((option) => option.startsWith(`name=${name}`))
  const warnings: string[] = []
  if (!has('seccomp')) warnings.push('no seccomp: sandboxes can use every system call of the kernel')
  else if (options.some((option) => /^name=seccomp,.*profile=unconfined/.test(option)))
    warnings.push('seccomp is switched off in the engine: sandboxes can use every system call of the kernel')
  if (has('userns') || has('rootless'))
    warnings.push(
      'the engine shifts user ids: mail folders must be writable for the shifted id of the sandbox user',
    )
  if (runtime?.startsWith('runsc'))
    warnings.push(`${runtime}: file locks are not shared with the host, mail may be read half written`)
  if (facts.OperatingSystem?.startsWith('Docker Desktop'))
    warnings.push(
      'Docker Desktop: unix sockets do not cross mounts, nudges and the gateway cannot be reached',
    )
  return warnings
}

function limitWarnings(facts: EngineFacts): string[] {
  if (facts.CgroupDriver === 'none')
    return ['the engine has no cgroups: memory, cpu and process limits are accepted and ignored']
  const warnings: string[] = []
  if (facts.MemoryLimit === false) warnings.push('the engine cannot limit memory')
  else if (facts.SwapLimit === false)
    warnings.push('the engine cannot limit swap: a sandbox at its memory limit pushes the machine into swap')
  if (facts.PidsLimit === false)
    warnings.push('the engine cannot limit processes: a fork bomb hits the machine')
  if (facts.CpuCfsQuota === false) warnings.push('the engine cannot limit cpu time')
  return warnings
}

/** 1.9 < 1.41, which as decimal numbers it is not. */
function apiNumber(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major * 10_000 + minor
}
