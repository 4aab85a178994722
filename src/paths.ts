import { dirname, join } from 'node:path'
import {
  DOORBELL_FILE,
  FILES_FOLDER,
  GATEWAY_FILE,
  HEARTBEAT_FILE,
  INBOX_FILE,
  mailFolders,
  OUTBOX_FILE,
  SETTINGS_FILE,
} from '@creel/protocol'
import type { GroupName } from './domain/ids.ts'

/** Where everything lies, derived from absolute folders. Pure. */
export class Paths {
  readonly dataDir: string
  readonly groupsDir: string

  readonly skillsDir: string

  /** `skillsDir`: the skills that all groups share, by default beside the groups. */
  constructor(dataDir: string, groupsDir: string, skillsDir: string = join(dirname(groupsDir), 'skills')) {
    this.dataDir = dataDir
    this.groupsDir = groupsDir
    this.skillsDir = skillsDir
  }

  get hostDb(): string {
    return join(this.dataDir, 'host.db')
  }
  get lockFile(): string {
    return join(this.dataDir, 'instance.lock')
  }
  /** There while a restore exchanges the contents of the folders. */
  get restoreJournal(): string {
    return join(this.dataDir, 'restore.json')
  }
  get controlSocket(): string {
    return join(this.dataDir, 'control.sock')
  }
  get vaultFile(): string {
    return join(this.dataDir, 'vault', 'vault.age')
  }
  get logFile(): string {
    return join(this.dataDir, 'logs', 'host.log')
  }

  /** The gateway's own certificate and its key: of this place, made anew where they are missing. */
  get gatewayAuthority(): { readonly key: string; readonly certificate: string } {
    const folder = join(this.dataDir, 'gateway')
    return { key: join(folder, 'ca.key'), certificate: join(folder, 'ca.pem') }
  }

  /** Files of all groups, by the hash of their bytes. */
  get filesDir(): string {
    return join(this.dataDir, 'files')
  }

  /** Where recordings lie while a program looks at them. */
  get voiceDir(): string {
    return join(this.dataDir, 'voice')
  }

  groupDir(group: GroupName): string {
    return join(this.groupsDir, group)
  }
  groupConfig(group: GroupName): string {
    return join(this.groupDir(group), 'container.json')
  }
  workspace(group: GroupName): string {
    return join(this.groupDir(group), 'workspace')
  }
  memory(group: GroupName): string {
    return join(this.groupDir(group), 'memory')
  }

  /** Skills of this group alone. */
  groupSkills(group: GroupName): string {
    return join(this.groupDir(group), 'skills')
  }
  /** Copies of skills that the group wrote and asked to have. */
  skillDrafts(group: GroupName): string {
    return join(this.dataDir, 'skill-drafts', group)
  }
  /** The skills that the group's sandbox sees: a copy. */
  placedSkills(group: GroupName): string {
    return join(this.dataDir, 'skills', group)
  }

  home(group: GroupName): string {
    return join(this.dataDir, 'agents', group, 'home')
  }
  mailIn(group: GroupName): string {
    return mailFolders(join(this.dataDir, 'mail', group)).in
  }
  mailOut(group: GroupName): string {
    return mailFolders(join(this.dataDir, 'mail', group)).out
  }
  /** Files that came with messages, for the group to read. */
  filesIn(group: GroupName): string {
    return join(this.mailIn(group), FILES_FOLDER)
  }
  /** Files that the group sends; the sandbox writes them. */
  filesOut(group: GroupName): string {
    return join(this.mailOut(group), FILES_FOLDER)
  }
  inbox(group: GroupName): string {
    return join(this.mailIn(group), INBOX_FILE)
  }
  settings(group: GroupName): string {
    return join(this.mailIn(group), SETTINGS_FILE)
  }
  outbox(group: GroupName): string {
    return join(this.mailOut(group), OUTBOX_FILE)
  }
  heartbeat(group: GroupName): string {
    return join(this.mailOut(group), HEARTBEAT_FILE)
  }
  runDir(group: GroupName): string {
    return join(this.dataDir, 'run', group)
  }
  doorbell(group: GroupName): string {
    return join(this.runDir(group), DOORBELL_FILE)
  }
  gateway(group: GroupName): string {
    return join(this.runDir(group), GATEWAY_FILE)
  }
}
