export {
  FILES_FOLDER,
  FileKind,
  FileName,
  InboxAttachment,
  MAX_FILE_BYTES,
  MAX_FILES,
  Sha256,
} from './files.ts'
export {
  Destination,
  InboxEntry,
  InboxMessage,
  type InboxResult,
  MAX_CALL_RESULT,
  MAX_QUOTE,
  Overheard,
  QueueMode,
  Speaker,
} from './inbox.ts'
export { InboxReader, type InboxRow, InboxWriter } from './inbox-log.ts'
export {
  BROWSER_POLICY_FILE,
  CA_BUNDLE_FILE,
  CA_FILE,
  DOORBELL_FILE,
  GATEWAY_FILE,
  GATEWAY_PORT,
  gatewayUrl,
  HEARTBEAT_FILE,
  INBOX_FILE,
  type MailFolders,
  mailFolders,
  OUTBOX_FILE,
  RING,
  SANDBOX_PATHS,
  SETTINGS_FILE,
  SHELL_DOOR_FILE,
} from './layout.ts'
export { INBOX_DDL, MAX_BODY_BYTES, OUTBOX_DDL } from './mail-schema.ts'
export {
  MAX_CALL_ARGS,
  MAX_TEXT,
  messageHandle,
  OutboxAsk,
  type OutboxCall,
  OutboxEntry,
  OutboxFile,
  type OutboxProgress,
  OutboxSend,
  OutboxSettled,
} from './outbox.ts'
export { createOutbox, OutboxWriter } from './outbox-log.ts'
export {
  MAX_ASKED_PACKAGES,
  MAX_PACKAGES,
  PACKAGE_MANAGERS,
  type PackageManager,
  type PackageName,
  packageForm,
  readPackage,
} from './packages.ts'
export {
  INSTRUCTION_BYTES,
  InstructionFragment,
  McpCommand,
  McpServer,
  RunnerSettings,
  TurnLimits,
} from './settings.ts'
export { ListTasksArgs, OneTaskArgs, ScheduleTaskArgs, UpdateTaskArgs } from './task-args.ts'
export { FailureReason, type TurnAttachment, TurnEvent, type TurnInput, TurnPhase } from './turn.ts'
export { PROTOCOL_VERSION } from './version.ts'
