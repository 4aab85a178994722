import type { Groups } from '../../src/config/groups.ts'
import { GroupConfig, InstallConfig } from '../../src/config/schema.ts'
import { ConfigError } from '../../src/domain/errors.ts'
import type { GroupName } from '../../src/domain/ids.ts'
import { Paths } from '../../src/paths.ts'
import { Pump } from '../../src/pump.ts'
import { GroupProblems } from '../../src/sandboxes/group-problems.ts'
import { sandboxSpec, specHash } from '../../src/sandboxes/sandbox-spec.ts'
import { Supervisor } from '../../src/sandboxes/supervisor.ts'
import { FakeEngine } from '../fakes/fake-engine.ts'
import { FakeMailbox } from '../fakes/fake-mailbox.ts'
import { GARDEN, HostTables, KITCHEN, silentLog } from './host-tables.ts'

/** A group beside the two of every world. */
export const group = (n: number) => `group${n}` as GroupName

/** Folders of groups in memory; a text stands for a file that cannot be read. */
class FakeGroups implements Pick<Groups, 'names' | 'exists' | 'load'> {
  readonly configs = new Map<GroupName, unknown>()
  names = () => [...this.configs.keys()]
  exists = (name: GroupName) => this.configs.has(name)
  load(name: GroupName): GroupConfig {
    const config = this.configs.get(name)
    if (typeof config === 'string') throw new ConfigError(`groups/${name}/container.json`, [config])
    return GroupConfig.parse(config)
  }
}

/** A supervisor and its pump on real tables, a fake engine and a clock that a test moves. */
export class SupervisorWorld extends HostTables {
  engine = new FakeEngine({ clock: this.clock, specHash })
  readonly mailbox = new FakeMailbox(this.clock)
  readonly groups = new FakeGroups()
  readonly told: string[] = []
  protocol = 1
  heldBack = false
  supervisor: Supervisor
  pump: Pump<GroupName>
  readonly #limits: InstallConfig['limits']
  #seq = 0

  constructor(limits: Partial<InstallConfig['limits']> = {}) {
    super()
    this.#limits = { ...InstallConfig.parse({}).limits, ...limits }
    for (const name of [GARDEN, KITCHEN]) this.groups.configs.set(name, {})
    ;({ supervisor: this.supervisor, pump: this.pump } = this.#make())
  }

  #make() {
    const { engine, dispatches, mailbox, clock, events } = this
    const problems = new GroupProblems({
      clock,
      events,
      tell: (name, problem, since) => void this.told.push(`${name} ${since}: ${problem}`),
    })
    const paths = new Paths('/data', '/groups')
    const supervisor: Supervisor = new Supervisor({
      ...{ engine, dispatches, mailbox, clock, events, problems, specHash },
      isHeldBack: () => this.heldBack,
      groups: this.groups as unknown as Groups,
      random: () => 0.5,
      limits: this.#limits,
      specOf: async (name, config) =>
        sandboxSpec(name, config, paths, { image: 'agent:1', protocol: this.protocol }),
      prepare: async (name) => mailbox.open(name),
      nudge: (name) => pump.nudge(name),
      exited: () => undefined,
    })
    const pump = new Pump<GroupName>({
      name: 'supervisor',
      clock,
      log: silentLog,
      random: () => 0.5,
      pollMs: 1_000,
      keys: () => new Set([...supervisor.groups(), ...dispatches.groupsWithOpen()]),
      step: (name, signal) => supervisor.step(name, signal),
      maxConcurrent: 32,
      backoff: { baseMs: 200, maxMs: 30_000 },
    })
    pump.start()
    return { supervisor, pump }
  }

  /** Mail for a group, and its runner's heart beats; returns the position. */
  mail(name: GroupName = GARDEN): number {
    this.#seq += 1
    this.place(name, this.#seq)
    this.pump.nudge(name)
    return this.#seq
  }

  done(seq: number, name: GroupName = GARDEN): void {
    this.settle(name, seq)
    this.pump.nudge(name)
  }

  state(name: GroupName = GARDEN): string {
    return this.supervisor.status(name).state
  }

  problem(name: GroupName = GARDEN): string | null {
    return this.supervisor.status(name).problem
  }

  calls(method: string): string[] {
    return this.engine.calls.filter((call) => call.startsWith(method))
  }

  /** Time passes with hearts beating in every running sandbox. */
  async live(seconds: number, ...beating: GroupName[]): Promise<void> {
    for (let n = 0; n < seconds; n += 1) {
      for (const name of beating) this.mailbox.beats.set(name, this.clock.now())
      await this.clock.advance(1_000)
    }
  }

  /** The host process ends; the engine goes on. */
  async restart(): Promise<void> {
    await this.end()
    this.engine = this.engine.restarted()
    ;({ supervisor: this.supervisor, pump: this.pump } = this.#make())
    await this.clock.settled()
  }

  async end(): Promise<void> {
    await this.pump.stop(0)
    this.supervisor.release()
  }
}

/** Gives a test a world, and ends it. */
export async function inWorld(
  run: (world: SupervisorWorld) => Promise<void>,
  limits: Partial<InstallConfig['limits']> = {},
): Promise<void> {
  using world = new SupervisorWorld(limits)
  try {
    await run(world)
  } finally {
    await world.end()
  }
}
