import type { ChatId, DeliveryId, GroupName, InboundId } from './domain/ids.ts'
import type { SandboxExit } from './domain/ports/sandbox.ts'
import type { Log } from './log.ts'
import type { Routing } from './routing/router.ts'

/** The one place where business events are reported: one function, one line each, never the text of a message. */
export class Events {
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  received(chat: string, messageId: string, result: 'new' | 'duplicate'): void {
    this.#log.info({ event: 'inbound.received', chat, messageId, result }, 'message received')
  }

  routed(id: InboundId, routing: Routing): void {
    const groups = routing.plans.map((plan) => plan.group)
    this.#log.info(
      {
        event: 'inbound.routed',
        inbound: id,
        state: routing.state,
        reason: routing.reason ?? undefined,
        groups,
      },
      'message routed',
    )
  }

  placed(group: GroupName, inbound: InboundId, inboxSeq: number): void {
    this.#log.info({ event: 'inbox.placed', group, inbound, inboxSeq }, 'message placed in inbox')
  }

  sandboxStarted(group: GroupName, sandbox: string, tookMs: number): void {
    this.#log.info(
      { event: 'sandbox.started', group, sandbox: sandbox.slice(0, 12), tookMs },
      'sandbox started',
    )
  }

  sandboxAdopted(group: GroupName, sandbox: string, state: string): void {
    this.#log.info(
      { event: 'sandbox.adopted', group, sandbox: sandbox.slice(0, 12), state },
      'sandbox adopted',
    )
  }

  sandboxChanged(group: GroupName, change: 'paused' | 'unpaused' | 'stopped' | 'killed', why: string): void {
    this.#log.info({ event: `sandbox.${change}`, group, why }, `sandbox ${change}`)
  }

  sandboxExited(group: GroupName, exit: SandboxExit | null, busy: boolean): void {
    const fields = { event: 'sandbox.exited', group, code: exit?.code, oomKilled: exit?.oomKilled, busy }
    if (busy) this.#log.warn(fields, 'sandbox exited with work to do')
    else this.#log.info(fields, 'sandbox exited')
  }

  groupProblem(group: GroupName, problem: string): void {
    this.#log.warn({ event: 'group.problem', group, problem }, 'group has a problem')
  }

  groupRecovered(group: GroupName): void {
    this.#log.info({ event: 'group.recovered', group }, 'group is well again')
  }

  skillLeftOut(group: GroupName, skill: string, problem: string): void {
    this.#log.warn({ event: 'skill.left_out', group, skill, problem }, 'a skill was left out')
  }

  packagesBuilt(image: string, tookMs: number): void {
    this.#log.info({ event: 'packages.built', image, tookMs }, 'an image with packages was built')
  }

  packagesFailed(image: string, problem: string): void {
    this.#log.warn({ event: 'packages.failed', image, problem }, 'packages could not be installed')
  }

  turnAccepted(group: GroupName, inboxSeq: number, attempt: number): void {
    this.#log.info({ event: 'turn.accepted', group, inboxSeq, attempt }, 'turn began')
  }

  turnSettled(group: GroupName, inboxSeq: number, outcome: string, reason: string | null): void {
    this.#log.info(
      { event: 'turn.settled', group, inboxSeq, outcome, reason: reason ?? undefined },
      'turn settled',
    )
  }

  outboxRejected(group: GroupName, seq: number, reason: string): void {
    this.#log.warn({ event: 'outbox.rejected', group, seq, reason }, 'outbox entry rejected')
  }

  sent(id: DeliveryId, chatId: ChatId, group: GroupName | null, tookMs: number, ambiguous: boolean): void {
    this.#log.info({ event: 'delivery.sent', delivery: id, chatId, group, tookMs, ambiguous }, 'message sent')
  }

  agentAsked(from: GroupName, to: GroupName, request: number): void {
    this.#log.info({ event: 'agent.asked', group: from, to, request }, 'an agent asks another one')
  }

  agentRefused(from: GroupName, to: string, reason: string): void {
    this.#log.warn(
      { event: 'agent.refused', group: from, to: to.slice(0, 50), reason },
      'an agent was not let ask',
    )
  }

  agentAnswered(from: GroupName, requests: readonly number[]): void {
    this.#log.info(
      { event: 'agent.answered', group: from, requests },
      'an agent is told what others answered',
    )
  }

  fileRetried(inboundId: InboundId, waitMs: number, reason: string): void {
    this.#log.warn(
      { event: 'file.retried', inbound: inboundId, waitMs, reason },
      'file will be fetched again',
    )
  }

  fileFailed(inboundId: InboundId, reason: string): void {
    this.#log.warn({ event: 'file.failed', inbound: inboundId, reason }, 'file could not be fetched')
  }

  transcribed(inboundId: InboundId, tookMs: number, characters: number): void {
    this.#log.info(
      { event: 'voice.transcribed', inbound: inboundId, tookMs, characters },
      'voice message transcribed',
    )
  }

  transcriptionRetried(inboundId: InboundId, waitMs: number, reason: string, detail: string): void {
    this.#log.warn(
      { event: 'voice.retried', inbound: inboundId, waitMs, reason, detail },
      'voice message will be transcribed again',
    )
  }

  transcriptionFailed(inboundId: InboundId, reason: string): void {
    this.#log.warn({ event: 'voice.failed', inbound: inboundId, reason }, 'voice message not transcribed')
  }

  sendRetried(id: DeliveryId, chatId: ChatId, waitMs: number, reason: string, ambiguous: boolean): void {
    this.#log.warn(
      { event: 'delivery.retried', delivery: id, chatId, waitMs, reason, ambiguous },
      'message will be sent again',
    )
  }

  sendFailed(id: DeliveryId, chatId: ChatId, reason: string): void {
    this.#log.error({ event: 'delivery.failed', delivery: id, chatId, reason }, 'message could not be sent')
  }

  channelDown(channel: string, since: number): void {
    this.#log.warn({ event: 'channel.down', channel, since }, 'channel does not answer')
  }

  channelUp(channel: string, downMs: number): void {
    this.#log.info({ event: 'channel.up', channel, downMs }, 'channel answers again')
  }

  approvalAsked(group: GroupName, kind: string, seq: number): void {
    this.#log.info({ event: 'approval.asked', group, kind, seq }, 'an agent asked for something')
  }

  approvalEnded(group: GroupName, id: number, kind: string, state: string, by: string | null): void {
    this.#log.info({ event: 'approval.ended', group, approval: id, kind, state, by }, 'an ask has ended')
  }

  approvalCardFailed(group: GroupName, id: number, reason: string): void {
    this.#log.warn({ event: 'approval.card_failed', group, approval: id, reason }, 'card not changed')
  }

  noteFailed(channel: string, reason: string): void {
    this.#log.debug({ event: 'progress.failed', channel, reason }, 'progress message not shown')
  }

  callAnswered(group: GroupName, name: string, ok: boolean): void {
    this.#log.info({ event: 'call.answered', group, name: name.slice(0, 60), ok }, 'a tool asked the host')
  }

  callBroken(group: GroupName, name: string, error: string): void {
    this.#log.error({ event: 'call.broken', group, name, error }, 'what a tool asked for failed')
  }

  taskDue(group: GroupName, task: number, begun: number, skipped: string | null): void {
    this.#log.info({ event: 'task.due', group, task, begun, skipped: skipped ?? undefined }, 'task is due')
  }

  taskFailed(group: GroupName, task: number, reason: string): void {
    this.#log.warn({ event: 'task.failed', group, task, reason }, 'task does not run any more')
  }
}
