import type { OutboxAsk } from '@creel/protocol'
import type { Notices } from '../delivery/notices.ts'
import type { ApprovalKindName, NewApproval } from '../domain/approval.ts'
import type { GroupName } from '../domain/ids.ts'
import type { ApprovalStore } from '../domain/ports/approvals.ts'
import type { Channel } from '../domain/ports/channel.ts'
import type {
  DeliveryStore,
  DirectoryStore,
  DispatchStore,
  InboundRow,
  InboundStore,
  RoleStore,
} from '../domain/ports/stores.ts'
import type { Events } from '../events.ts'
import { Pump, type PumpOptions } from '../pump.ts'
import type { ApprovalKind } from './approval-kind.ts'
import { type CarryOutPorts, carryOutNext } from './carry-out.ts'
import { Decisions } from './decisions.ts'
import { type PlannedAsk, planAsk } from './plan-ask.ts'

export interface ApprovalsPorts {
  readonly approvals: ApprovalStore
  readonly kinds: Readonly<Record<ApprovalKindName, ApprovalKind>>
  readonly directory: Pick<DirectoryStore, 'bindings' | 'chat'>
  readonly dispatches: Pick<DispatchStore, 'sessionOf'>
  readonly inbound: Pick<InboundStore, 'tell'>
  readonly deliveries: Pick<DeliveryStore, 'add'>
  readonly roles: Pick<RoleStore, 'deciderChats' | 'ownerChats' | 'roles'>
  readonly notices: Pick<Notices, 'toChat'>
  readonly channelOf: (channel: string, account: string) => Channel | undefined
  readonly events: Events
  /** A word for this agent waits. */
  readonly nudge: (group: GroupName) => void
  readonly isRenewed: CarryOutPorts['isRenewed']
}

/** What agents ask people for, from the ask to its end. */
export class Approvals {
  readonly decisions: Decisions
  readonly #ports: ApprovalsPorts & Pick<PumpOptions<number>, 'clock'>
  readonly #pump: Pump<number>

  constructor(
    ports: ApprovalsPorts,
    pump: Pick<PumpOptions<number>, 'clock' | 'log' | 'random' | 'pollMs' | 'backoff'>,
  ) {
    const { clock } = pump
    this.#ports = { ...ports, clock }
    this.decisions = new Decisions({ ...ports, clock, nudge: (id) => this.#pump.nudge(id) })
    const nudge = ({ group }: { group: GroupName }) => ports.nudge(group)
    this.#pump = new Pump<number>({
      ...{ ...pump, name: 'approvals', maxConcurrent: 8 },
      keys: () => ports.approvals.withWork(clock.now()),
      step: (id, signal) => carryOutNext(id, { ...ports, clock, nudge }, signal),
    })
  }

  /** What an ask in an outbox amounts to; to be recorded with the cursor. `taken`: asks of the same batch. */
  plan(
    group: GroupName,
    seq: number,
    entry: OutboxAsk,
    origin: InboundRow,
    taken: readonly NewApproval[],
  ): PlannedAsk {
    return planAsk(group, seq, entry, origin, taken, this.#ports)
  }

  /** New asks are recorded: some may need nobody. */
  nudge(): void {
    this.#pump.nudgeAll()
  }

  start(): void {
    this.#pump.start()
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    await this.#pump.stop(1_000)
  }
}
