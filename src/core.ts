// The part of the composition that needs no engine and no channel: what the command line uses on its own when no
// host runs, and what the host builds on.
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { AgeVault } from './adapters/age-vault/age-vault.ts'
import {
  type MasterKey,
  MasterKeyCommand,
  MasterKeyFile,
  NoMasterKey,
} from './adapters/age-vault/master-key.ts'
import { clearStaged, finishExchange } from './adapters/backup/exchange.ts'
import { steadyClock } from './adapters/clock/steady-clock.ts'
import { ensureDataDir } from './adapters/folders/data-dir.ts'
import { GroupRegistry } from './adapters/groups/group-registry.ts'
import { ForkedMemoryReader } from './adapters/memory-reader/forked-memory-reader.ts'
import { DiskSkillDrafts } from './adapters/skills/skill-drafts.ts'
import { SqliteAgentRequests } from './adapters/sqlite/agent-request-store.ts'
import { SqliteApprovalStore } from './adapters/sqlite/approval-store.ts'
import { SqliteAttachmentStore } from './adapters/sqlite/attachment-store.ts'
import { SqliteChatMessages } from './adapters/sqlite/chat-messages-store.ts'
import { SqliteDeliveryLog } from './adapters/sqlite/delivery-log.ts'
import { SqliteDeliveryStore } from './adapters/sqlite/delivery-store.ts'
import { SqliteDirectoryStore } from './adapters/sqlite/directory-store.ts'
import { SqliteDispatchStore } from './adapters/sqlite/dispatch-store.ts'
import { SqliteEgressLog } from './adapters/sqlite/egress-log-store.ts'
import { SqliteEgressRules } from './adapters/sqlite/egress-rule-store.ts'
import { SqliteGroupTraces } from './adapters/sqlite/group-traces.ts'
import { SqliteHostCallStore } from './adapters/sqlite/host-call-store.ts'
import { SqliteInboundStore } from './adapters/sqlite/inbound-store.ts'
import { lockInstance } from './adapters/sqlite/instance-lock.ts'
import { openHostDb } from './adapters/sqlite/open.ts'
import { SqliteOutboxStore } from './adapters/sqlite/outbox-store.ts'
import { SqliteOverviewStore } from './adapters/sqlite/overview-store.ts'
import { SqliteOwnChatStore } from './adapters/sqlite/own-chat-store.ts'
import { SqlitePackageStore } from './adapters/sqlite/package-store.ts'
import { SqlitePairingCodes } from './adapters/sqlite/pairing-store.ts'
import { SqlitePeople } from './adapters/sqlite/person-store.ts'
import { SqliteProgressNotes } from './adapters/sqlite/progress-note-store.ts'
import { SqliteRetention } from './adapters/sqlite/retention.ts'
import { SqliteRoleStore } from './adapters/sqlite/role-store.ts'
import { SqliteSessionChoices } from './adapters/sqlite/session-choice-store.ts'
import { SqliteSharedCommits } from './adapters/sqlite/shared-commits.ts'
import { SqliteTaskStore } from './adapters/sqlite/task-store.ts'
import { SqliteToolServers } from './adapters/sqlite/tool-server-store.ts'
import { SqliteTranscriptStore } from './adapters/sqlite/transcript-store.ts'
import { SqliteTurnLog } from './adapters/sqlite/turn-log.ts'
import { SqliteUsageStore } from './adapters/sqlite/usage-store.ts'
import { SqliteWaitingStore } from './adapters/sqlite/waiting-store.ts'
import { SqliteWebLogins } from './adapters/sqlite/web-logins-store.ts'
import type { Install } from './config/load.ts'
import { type GroupName, isGroupName } from './domain/ids.ts'
import type { Clock } from './domain/ports/clock.ts'
import type { MemoryReader } from './domain/ports/memory.ts'
import type { Vault } from './domain/ports/vault.ts'
import { secretTexts } from './domain/secret.ts'
import { transcribes } from './domain/transcription.ts'
import type { Paths } from './paths.ts'
import { replaceFile } from './replace-file.ts'
import { SecretMask } from './secrets/secret-mask.ts'

export interface Core extends Disposable {
  readonly install: Install
  /** Marks everything on the engine that belongs to this data directory. */
  readonly installId: string
  readonly clock: Clock
  readonly groups: GroupRegistry
  /** Opened by whoever first needs it. */
  readonly vault: Vault
  /** Knows every secret that was read. */
  readonly mask: SecretMask
  readonly commits: SqliteSharedCommits
  readonly inbound: SqliteInboundStore
  readonly waiting: SqliteWaitingStore
  readonly attachments: SqliteAttachmentStore
  readonly transcripts: SqliteTranscriptStore
  readonly approvals: SqliteApprovalStore
  readonly agentRequests: SqliteAgentRequests
  readonly hostCalls: SqliteHostCallStore
  readonly dispatches: SqliteDispatchStore
  readonly outboxes: SqliteOutboxStore
  readonly deliveries: SqliteDeliveryStore
  readonly directory: SqliteDirectoryStore
  readonly roles: SqliteRoleStore
  readonly people: SqlitePeople
  readonly pairings: SqlitePairingCodes
  readonly logins: SqliteWebLogins
  readonly tasks: SqliteTaskStore
  readonly toolServers: SqliteToolServers
  readonly skillDrafts: DiskSkillDrafts
  readonly overview: SqliteOverviewStore
  readonly usage: SqliteUsageStore
  readonly choices: SqliteSessionChoices
  readonly deliveryLog: SqliteDeliveryLog
  readonly turnLog: SqliteTurnLog
  readonly retention: SqliteRetention
  readonly notes: SqliteProgressNotes
  /** What the owner allows or denies beside container.json, and what left the sandboxes. */
  readonly egressRules: SqliteEgressRules
  readonly egressLog: SqliteEgressLog
  readonly packages: SqlitePackageStore
  readonly groupTraces: SqliteGroupTraces
  readonly memory: MemoryReader
  readonly messages: SqliteChatMessages
  readonly webChats: SqliteOwnChatStore
  readonly terminalChats: SqliteOwnChatStore
  /** The agent for a chat that names none. */
  readonly defaultGroup: () => GroupName | null
}

/**
 * Takes the data directory for this process and opens everything in it. Throws CreelError: `conflict` when a host
 * runs on it, otherwise what is wrong with directory or database.
 */
export function openCore(install: Install, clock: Clock = steadyClock()): Core {
  const { paths } = install
  ensureDataDir(paths.dataDir)
  const lock = lockInstance(paths.lockFile)
  const db = openLocked(paths, lock)
  const groups = new GroupRegistry(paths)
  const roles = new SqliteRoleStore(db)
  const id = installId(paths.dataDir)
  const mask = new SecretMask()
  return {
    install,
    installId: id,
    clock,
    groups,
    mask,
    vault: new AgeVault(paths.vaultFile, masterKey(install, id), (content) =>
      mask.learn(secretTexts(content)),
    ),
    commits: new SqliteSharedCommits(db),
    inbound: new SqliteInboundStore(db, { transcribes: transcribes(install.config.transcription) }),
    waiting: new SqliteWaitingStore(db),
    attachments: new SqliteAttachmentStore(db),
    transcripts: new SqliteTranscriptStore(db),
    approvals: new SqliteApprovalStore(db),
    agentRequests: new SqliteAgentRequests(db),
    hostCalls: new SqliteHostCallStore(db),
    dispatches: new SqliteDispatchStore(db),
    outboxes: new SqliteOutboxStore(db),
    deliveries: new SqliteDeliveryStore(db),
    directory: new SqliteDirectoryStore(db),
    roles,
    people: new SqlitePeople(db),
    pairings: new SqlitePairingCodes(db, (user, now) => roles.grant(user, 'owner', null, now)),
    logins: new SqliteWebLogins(db, (user, now) => roles.grant(user, 'owner', null, now)),
    tasks: new SqliteTaskStore(db),
    toolServers: new SqliteToolServers(db),
    skillDrafts: new DiskSkillDrafts(paths),
    overview: new SqliteOverviewStore(db),
    usage: new SqliteUsageStore(db),
    choices: new SqliteSessionChoices(db),
    deliveryLog: new SqliteDeliveryLog(db),
    turnLog: new SqliteTurnLog(db),
    retention: new SqliteRetention(db),
    notes: new SqliteProgressNotes(db),
    egressRules: new SqliteEgressRules(db),
    egressLog: new SqliteEgressLog(db),
    packages: new SqlitePackageStore(db),
    groupTraces: new SqliteGroupTraces(db),
    messages: new SqliteChatMessages(db),
    memory: new ForkedMemoryReader(paths),
    webChats: new SqliteOwnChatStore(db, 'web'),
    terminalChats: new SqliteOwnChatStore(db, 'terminal'),
    defaultGroup: () => defaultGroup(install, groups),
    [Symbol.dispose]: () => {
      db.close()
      lock[Symbol.dispose]()
    },
  }
}

function openLocked(paths: Paths, lock: Disposable): ReturnType<typeof openHostDb> {
  try {
    // A restore that was killed: finished when it had begun to change anything, else taken away.
    finishExchange(paths.restoreJournal)
    clearStaged([paths.dataDir, paths.groupsDir])
    return openHostDb(paths.hostDb)
  } catch (error) {
    lock[Symbol.dispose]()
    throw error
  }
}

function defaultGroup(install: Install, groups: GroupRegistry): GroupName | null {
  const named = install.config.chats.default_group
  if (named === '') return groups.names()[0] ?? null
  return isGroupName(named) && groups.exists(named) ? named : null
}

/** Made once per data directory and kept beside the data, so that a copy of the folder is a move, not a twin. */
function installId(dataDir: string): string {
  const file = join(dataDir, 'install-id')
  if (!existsSync(file)) replaceFile(file, `${randomUUID()}\n`, 0o644)
  return readFileSync(file, 'utf8').trim()
}

/** Apart from the data directory, so that a copy of that alone opens nothing. */
function masterKey({ projectDir, config, env }: Install, id: string): MasterKey {
  const [program, ...args] = config.vault.key_command
  if (env.masterKeyFile !== undefined) return new MasterKeyFile(resolve(projectDir, env.masterKeyFile))
  if (program !== undefined) return new MasterKeyCommand([program, ...args])
  if (config.vault.key_file !== '') return new MasterKeyFile(resolve(projectDir, config.vault.key_file))
  if (env.configHome === undefined) return new NoMasterKey()
  return new MasterKeyFile(join(env.configHome, 'creel', `${id}.key`))
}
