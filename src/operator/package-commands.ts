import { z } from 'zod'
import type { GroupConfig } from '../config/schema.ts'
import { ConfigError, CreelError } from '../domain/errors.ts'
import type { GroupName, UnixMs } from '../domain/ids.ts'
import {
  countOf,
  NO_PACKAGES,
  type PackageList,
  packagesKey,
  packagesTyped,
  packageWords,
  withoutPackages,
  withPackages,
} from '../domain/packages.ts'
import { existingGroup } from './group-commands.ts'
import type { OperatorCommand, OperatorPorts } from './ports.ts'

/** One agent's packages. */
export interface PackageLine {
  readonly group: string
  readonly packages: readonly string[]
  /** `none`: it has none; `missing`: they were not built yet. */
  readonly state: 'none' | 'ready' | 'building' | 'failed' | 'missing'
  readonly problem: string | null
  /** What `rollback` goes back to; null when there is nothing. */
  readonly before: readonly string[] | null
}

export interface PackageChange {
  readonly group: string
  readonly packages: readonly string[]
  /** `later`: written down, and built when Creel runs. */
  readonly state: 'done' | 'building' | 'later'
  readonly line: string
  /** To be given again while it is building. */
  readonly since: number
}

const ListArgs = z.object({ group: z.string().optional() })

export const packageList: OperatorCommand = {
  run(ports, args): PackageLine[] {
    const { group } = ListArgs.parse(args)
    const groups = group === undefined ? ports.groups.names() : [existingGroup(ports, group)]
    return groups.flatMap((name) => {
      const config = configOf(ports, name)
      return config === null ? [] : [lineOf(ports, name, config.packages)]
    })
  },
}

const ChangeArgs = z.object({
  group: z.string(),
  add: z.array(z.string()).max(100).default([]),
  remove: z.array(z.string()).max(100).default([]),
  rollback: z.boolean().default(false),
  since: z.number().optional(),
})

/** To be called again and again while it is building: nothing changes before the image is there. */
export const packageChange: OperatorCommand = {
  async run(ports, args): Promise<PackageChange> {
    const { group: name, add, remove, rollback, since: given } = ChangeArgs.parse(args)
    const group = existingGroup(ports, name)
    const { provider, image, packages: now } = ports.groups.load(group)
    const since = given ?? ports.clock.now()
    const packages = rollback
      ? before(ports, group, now)
      : withPackages(withoutPackages(now, packagesTyped(remove)), packagesTyped(add))
    if (packages === null)
      throw new CreelError('not_found', `${group} had no other packages that it could go back to`)
    const result = { group, packages: packageWords(packages), since }
    if (!ports.live.running()) {
      write(ports, group, now, packages)
      return { ...result, state: 'later', line: '' }
    }
    const progress = await ports.live.packageProgress({ provider, image, packages }, since as UnixMs)
    if (progress.state === 'failed')
      throw new CreelError('invalid', progress.problem, { hint: `${group} goes on with what it had` })
    if (progress.state === 'building') return { ...result, state: 'building', line: progress.line }
    // An agent's request may have been carried out meanwhile: what is written is what was made of it.
    if (packagesKey(ports.groups.load(group).packages) !== packagesKey(now))
      return { ...result, state: 'building', line: '' }
    write(ports, group, now, packages)
    ports.live.nudgeGroup(group)
    return { ...result, state: 'done', line: '' }
  },
}

/** So that it can be taken back, whether the agent was at work in between or not. */
function write(
  { groups, packages: store, clock }: OperatorPorts,
  group: GroupName,
  now: PackageList,
  next: PackageList,
): void {
  groups.setPackages(group, next)
  for (const list of [now, next]) store.ran(group, list, clock.now())
}

function lineOf(ports: OperatorPorts, group: GroupName, packages: PackageList): PackageLine {
  const key = packagesKey(packages)
  const image = ports.packages.images().findLast((one) => packagesKey(one.packages) === key)
  const earlier = before(ports, group, packages)
  const states = { ready: 'ready', wanted: 'building', failed: 'failed' } as const
  return {
    group,
    packages: packageWords(packages),
    state: countOf(packages) === 0 ? 'none' : image ? states[image.state] : 'missing',
    problem: image?.problem ?? null,
    before: earlier && packageWords(earlier),
  }
}

/** What it ran with before these. */
function before({ packages: store }: OperatorPorts, group: GroupName, now: PackageList): PackageList | null {
  const other = store.listsOf(group).find((list) => packagesKey(list) !== packagesKey(now))
  return other ?? (countOf(now) > 0 ? NO_PACKAGES : null)
}

/** A broken container.json is told of elsewhere. */
function configOf({ groups }: OperatorPorts, group: GroupName): GroupConfig | null {
  try {
    return groups.load(group)
  } catch (error) {
    if (error instanceof ConfigError) return null
    throw error
  }
}
