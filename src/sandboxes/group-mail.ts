import type { GroupName } from '../domain/ids.ts'
import type { Gateway } from '../domain/ports/gateway.ts'
import type { Doorbell, Mailbox } from '../domain/ports/mailbox.ts'
import type { Log } from '../log.ts'

export interface GroupMailPorts {
  readonly mailbox: Pick<Mailbox, 'open'>
  readonly doorbell: Pick<Doorbell, 'open'>
  readonly gateway: Pick<Gateway, 'open'>
  readonly log: Log
  readonly onRing: (group: GroupName) => void
}

/**
 * Opens what a sandbox of a group shares with the host: its mail and the two sockets. Only for groups that have a
 * sandbox or are to get one: a thousand that sleep cost no file and no socket.
 */
export class GroupMail {
  readonly #ports: GroupMailPorts
  readonly #open = new Set<GroupName>()

  constructor(ports: GroupMailPorts) {
    this.#ports = ports
  }

  /** Opening the inbox also rolls back what a killed host left half done. Idempotent; throws CreelError. */
  async open(group: GroupName): Promise<void> {
    const { mailbox, doorbell, gateway, onRing } = this.#ports
    await mailbox.open(group)
    await doorbell.open(group, () => onRing(group))
    await gateway.open(group)
    this.#open.add(group)
  }

  /** Like `open`, once; a group whose mail cannot be opened is told of when it is to work, the others go on (I7). */
  async ensure(group: GroupName): Promise<void> {
    if (this.#open.has(group)) return
    try {
      await this.open(group)
    } catch (error) {
      this.#ports.log.error({ event: 'mail.failed', group, err: error }, 'mail of a group cannot be opened')
    }
  }
}
