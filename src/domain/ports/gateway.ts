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

/** What a model service is asked with. */
export type ModelCredential =
  | { readonly kind: 'key'; readonly key: string }
  /** A subscription's login; `account` where the service wants it named. */
  | { readonly kind: 'login'; readonly key: string; readonly account: string | null }

/** Where credentials of model services come from. A sandbox never sees one. */
export interface ModelCredentials {
  /**
   * The credential for one request of this group; null when there is none, and it goes without. A login that is about
   * to end is renewed first. Throws CreelError when there should be one that cannot be used.
   */
  forModel(group: GroupName, api: ModelApi): Promise<ModelCredential | null>
  /** The service said that it does not know this credential (status 401). Never throws. */
  refused(group: GroupName, api: ModelApi, credential: ModelCredential): void
}
