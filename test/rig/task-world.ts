import type { CallAnswer, CallOrigin } from '../../src/domain/host-call.ts'
import type { GroupName, InboundId, UnixMs } from '../../src/domain/ids.ts'
import type { NewTask, Schedule, Task } from '../../src/domain/task.ts'
import type { StepResult } from '../../src/pump.ts'
import { nextRun } from '../../src/schedule/task-schedule.ts'
import { type FirePorts, fireTasks } from '../../src/tasks/fire-tasks.ts'
import { taskCalls } from '../../src/tasks/task-calls.ts'
import { ALICE, GARDEN, HostTables } from './host-tables.ts'

/** 2026-03-02 08:00 UTC, a Monday. */
export const MONDAY = Date.UTC(2026, 2, 2, 8) as UnixMs
export const MINUTE = 60_000

/** Tasks over real tables, on a clock that stands still. */
export class TaskWorld extends HostTables {
  readonly room1 = this.room()
  readonly told: string[] = []
  readonly nudged: GroupName[] = []
  readonly #calls = taskCalls({
    ...{ tasks: this.tasks, directory: this.directory, roles: this.roles, clock: this.clock },
    people: this.people,
    zoneOf: (user) => this.people.zone(user) ?? 'UTC',
  })
  #keys = 0

  constructor() {
    super()
    this.clock.set(MONDAY)
    this.bind(this.room1, GARDEN)
    // Who wants a task has written before.
    this.receive('hello')
  }

  get ports(): FirePorts {
    const { tasks, directory, roles, choices, events, clock } = this
    return {
      ...{ tasks, directory, roles, choices, events, clock },
      notices: { toOwner: (text) => void this.told.push(text) },
      nudge: (group) => void this.nudged.push(group),
    }
  }

  /** All that is due now begins. */
  fire(group: GroupName = GARDEN): StepResult {
    let result = fireTasks(group, this.ports)
    while (result === 'again') result = fireTasks(group, this.ports)
    return result
  }

  /** Time passes with a host that looks every second, as far as something is due. */
  runUntil(at: number): void {
    for (let now = this.clock.now() as number; now <= at; now += 1_000) {
      this.clock.set(now)
      for (const group of this.tasks.groupsDue(this.clock.now())) this.fire(group)
    }
  }

  make(schedule: Schedule, more: Partial<NewTask> = {}): Task {
    this.#keys += 1
    const plan = { schedule, zone: 'UTC', jitterS: 0, ...more }
    return this.tasks.add({
      ...{
        key: `made:${this.#keys}`,
        group: GARDEN,
        name: 'Plants',
        prompt: 'water them',
        misfire: 'run_once',
      },
      ...{ script: null, scriptS: 30, chatId: this.room1, thread: undefined },
      ...{ createdBy: ALICE, createdByName: 'Alice', createdAt: this.clock.now() },
      due: nextRun(plan, this.clock.now()),
      ...plan,
    })
  }

  /** A tool is called in a turn of Alice in the room, unless told otherwise. */
  call(name: string, args: object, origin: Partial<CallOrigin> = {}): Promise<CallAnswer> {
    this.#keys += 1
    const handler = this.#calls.get(name)
    if (!handler) throw new Error(`there is no ${name}`)
    const speaker = origin.speaker ?? ALICE
    return handler(args, {
      ...{ group: GARDEN, session: 's', inboxSeq: 1, inboundId: 1 as InboundId, chatId: this.room1 },
      ...{ chatKind: 'group', thread: undefined, speaker, speakerName: 'Somebody', speakers: [speaker] },
      ...{ key: `k${this.#keys}`, at: this.clock.now() },
      ...origin,
    })
  }

  /** Messages that tasks have become, oldest first: their due time and text. */
  begun(): { key: string; text: string; session: string; sender: string }[] {
    return this.db
      .prepare<[], { key: string; text: string; session: string; sender: string }>(
        `SELECT i.platform_message_id AS key, i.text, d.session, i.sender_id AS sender
         FROM inbound i JOIN dispatch d ON d.inbound_id = i.id WHERE i.from_host = 1 ORDER BY i.id`,
      )
      .all()
  }

  /** Every run has ended. */
  endRuns(): void {
    this.db.exec("UPDATE dispatch SET outcome = 'done', settled_at = 1 WHERE outcome IS NULL")
  }

  task(id: number): Task {
    const task = this.tasks.find(id)
    if (!task) throw new Error(`there is no task ${id}`)
    return task
  }
}
