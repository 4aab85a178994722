import type { GroupName } from '../domain/ids.ts'
import { Pump, type PumpOptions } from '../pump.ts'
import { type FirePorts, fireTasks } from './fire-tasks.ts'

/** Begins tasks when they are due: the clock is looked at every poll, and what was missed is found the same way. */
export class Tasks {
  readonly #pump: Pump<GroupName>

  constructor(
    ports: Omit<FirePorts, 'clock'>,
    pump: Pick<PumpOptions<GroupName>, 'clock' | 'log' | 'random' | 'pollMs' | 'backoff'>,
  ) {
    const { clock } = pump
    this.#pump = new Pump<GroupName>({
      ...{ ...pump, name: 'tasks', maxConcurrent: 8 },
      keys: () => ports.tasks.groupsDue(clock.now()),
      step: (group) => fireTasks(group, { ...ports, clock }),
    })
  }

  start(): void {
    this.#pump.start()
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    await this.#pump.stop(1_000)
  }
}
