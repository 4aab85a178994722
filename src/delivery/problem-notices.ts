import type { GroupName, UnixMs } from '../domain/ids.ts'
import type { DispatchStore } from '../domain/ports/stores.ts'
import type { Notices } from './notices.ts'

/** How many waiting messages are looked at: a chat hears of a problem once, however many it has sent. */
const LOOKED_AT = 200

/**
 * Tells the chats that wait for a group that it cannot work now, once per outage and chat, and the owner why.
 * What is wrong is for the owner alone: the error may name files and settings.
 */
export function tellProblem(
  group: GroupName,
  problem: string,
  since: UnixMs,
  ports: { dispatches: Pick<DispatchStore, 'open' | 'inboundOf'>; notices: Notices },
): void {
  const key = `problem:${group}:${since}`
  for (const open of ports.dispatches.open(group, LOOKED_AT)) {
    const origin = ports.dispatches.inboundOf(group, open.inboxSeq)
    if (!origin) continue
    ports.notices.toChat(
      origin.chatId,
      origin.address.thread,
      'This agent cannot work right now. Your message is kept and will be answered when it can.',
      key,
    )
  }
  ports.notices.toOwner(`The agent **${group}** cannot work: ${problem}`, key)
}
