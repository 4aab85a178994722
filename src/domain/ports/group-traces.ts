import type { GroupName, UnixMs } from '../ids.ts'

/** What the host's tables say an agent may do and is to do; not what was said to it and by it. */
export interface GroupTraces {
  /**
   * Takes it all away, in one synced transaction: chats, people's roles for it, egress rules, tool servers, packages;
   * messages that it has not answered, tasks and requests to other agents are cancelled, open asks have failed, a pairing
   * code that names it is void. An agent that is made under the same name later inherits nothing of that. Idempotent.
   */
  forget(group: GroupName, at: UnixMs): void
}
