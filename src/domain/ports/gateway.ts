import type { GroupName } from '../ids.ts'

/** The only way out of a sandbox. What may pass is decided on the host; the socket alone says which group asks. */
export interface Gateway {
  /** Makes the group's socket. Idempotent; makes it again where its file is gone. Throws CreelError. */
  open(group: GroupName): Promise<void>
  /** Ends what is under way and takes the sockets away. Idempotent. */
  close(): Promise<void>
}

/** A model service, by the kind of its interface. */
export type ModelApi = 'anthropic' | 'openai'

/** Where keys of model services rest. A sandbox never sees one. */
export interface ModelCredentials {
  /** The key for this group's requests; null when there is none, and requests go without. Never throws. */
  keyFor(group: GroupName, api: ModelApi): string | null
}
