import type { HttpBindings } from '@hono/node-server'
import type { GroupName, UserId } from '../../../domain/ids.ts'
import type { InboundMessage } from '../../../domain/message.ts'
import type { Accepted, OwnChatStore } from '../../../domain/ports/channel.ts'
import type { Clock } from '../../../domain/ports/clock.ts'
import type { FileStore } from '../../../domain/ports/files.ts'
import type { MemoryReader } from '../../../domain/ports/memory.ts'
import type { WebLogins } from '../../../domain/ports/web-logins.ts'
import type { AllowedSites } from './allowed-sites.ts'
import type { ChatHub } from './chat-hub.ts'
import type { MarkdownRenderer } from './markdown.ts'
import type { Uploads } from './uploads.ts'

/** One agent as the page lists it. `state` is for a person: `asleep`, `awake`, `paused`, `problem: …`. */
export interface WebGroup {
  readonly name: GroupName
  readonly provider: string
  readonly state: string
}

/** What the page shows of the memory of an agent, and to whom. */
export interface WebMemory {
  readonly reader: MemoryReader
  /** Owners, and admins of the group. */
  readonly mayManage: (user: UserId, group: GroupName) => boolean
}

/** What the routes share; one object for one running server. */
export interface AppParts {
  readonly clock: Clock
  readonly logins: WebLogins
  readonly chats: OwnChatStore
  readonly hub: ChatHub
  readonly files: Pick<FileStore, 'add' | 'path'>
  readonly uploads: Uploads
  readonly memory: WebMemory
  readonly maxFileBytes: number
  readonly render: MarkdownRenderer
  readonly groups: () => readonly WebGroup[]
  /** Known once the server listens. */
  readonly sites: () => AllowedSites
  /** Gives a message to the rest of Creel; throws when it was not kept. */
  readonly handOver: (message: InboundMessage) => Accepted
  readonly onFault: (what: string, error: unknown) => void
}

export interface AppEnv {
  Bindings: HttpBindings
  Variables: { session: string; user: UserId }
}

/** Account of the only web chat there is; part of every address. */
export const WEB_CHANNEL = 'web'
export const WEB_ACCOUNT = 'main'
