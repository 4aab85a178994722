import { allow, deny, grant, revoke, roleList, waiting } from './admission-commands.ts'
import { approvalDecide, approvalList, approvalShow } from './approval-commands.ts'
import { bind, chatList, unbind } from './chat-commands.ts'
import { memoryDistill } from './distill-command.ts'
import {
  egressAllow,
  egressDeny,
  egressList,
  egressLog,
  egressRemove,
  egressTotals,
} from './egress-commands.ts'
import { groupAdd, groupList, groupRemove, groupShow } from './group-commands.ts'
import { down, integrity, link, sandboxLogs, status, terminalPending } from './host-commands.ts'
import { memoryList, memorySearch, memoryShow } from './memory-commands.ts'
import { packageChange, packageList } from './package-commands.ts'
import { pairStart, pairState } from './pairing-commands.ts'
import { userForget, userList, userShow, userZone } from './people-commands.ts'
import type { OperatorCommand } from './ports.ts'
import { deliveryDrop, deliveryList, deliveryRetry, turnList, turnRetry, turnShow } from './relay-commands.ts'
import { taskChange, taskHealth, taskHistory, taskList, taskRun, taskShow } from './task-commands.ts'
import { toolServerList, toolServerRemove } from './tool-server-commands.ts'
import { usage } from './usage-command.ts'
import {
  vaultDefault,
  vaultExport,
  vaultImport,
  vaultList,
  vaultRemove,
  vaultRotate,
  vaultSet,
  vaultTest,
} from './vault-commands.ts'
import { voiceTest } from './voice-command.ts'

/** Everything a person at the machine can ask of Creel, by the name it has on the control socket. */
export const OPERATOR_COMMANDS: Readonly<Record<string, OperatorCommand>> = {
  status,
  link,
  down,
  integrity,
  usage,
  'sandbox-logs': sandboxLogs,
  'terminal-pending': terminalPending,
  'group-add': groupAdd,
  'group-list': groupList,
  'group-show': groupShow,
  'group-remove': groupRemove,
  'chat-list': chatList,
  bind,
  unbind,
  waiting,
  allow,
  deny,
  'approval-list': approvalList,
  'approval-show': approvalShow,
  'approval-decide': approvalDecide,
  'role-list': roleList,
  'user-list': userList,
  'user-show': userShow,
  'user-forget': userForget,
  'user-zone': userZone,
  grant,
  revoke,
  'pair-start': pairStart,
  'pair-state': pairState,
  'delivery-list': deliveryList,
  'delivery-retry': deliveryRetry,
  'delivery-drop': deliveryDrop,
  'turn-list': turnList,
  'turn-show': turnShow,
  'turn-retry': turnRetry,
  'memory-list': memoryList,
  'memory-show': memoryShow,
  'memory-search': memorySearch,
  'package-list': packageList,
  'package-change': packageChange,
  'memory-distill': memoryDistill,
  'task-list': taskList,
  'task-show': taskShow,
  'task-history': taskHistory,
  'task-change': taskChange,
  'task-run': taskRun,
  'task-health': taskHealth,
  'tool-server-list': toolServerList,
  'tool-server-remove': toolServerRemove,
  'egress-list': egressList,
  'egress-allow': egressAllow,
  'egress-deny': egressDeny,
  'egress-remove': egressRemove,
  'egress-log': egressLog,
  'egress-totals': egressTotals,
  'voice-test': voiceTest,
  'vault-list': vaultList,
  'vault-set': vaultSet,
  'vault-remove': vaultRemove,
  'vault-default': vaultDefault,
  'vault-test': vaultTest,
  'vault-rotate': vaultRotate,
  'vault-export': vaultExport,
  'vault-import': vaultImport,
}
