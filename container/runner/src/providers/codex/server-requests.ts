import * as z from 'zod'
import type { Clock } from '../../clock.ts'
import { METHOD_NOT_FOUND, RpcError } from '../../json-rpc/connection.ts'

const ToolCallApproval = z.object({ _meta: z.object({ codex_approval_kind: z.literal('mcp_tool_call') }) })
const Permissions = z.object({ permissions: z.record(z.string(), z.unknown()) })

/**
 * Answers what app-server asks of its client. Approvals are given: the container is the boundary, and nobody is there
 * to ask. Throws RpcError for everything else, so that no turn waits for an answer for ever.
 */
export function answerServerRequest(method: string, params: unknown, clock: Clock): unknown {
  switch (method) {
    case 'item/commandExecution/requestApproval':
    case 'item/fileChange/requestApproval':
      return { decision: 'accept' }
    case 'execCommandApproval':
    case 'applyPatchApproval':
      return { decision: 'approved' }
    case 'item/permissions/requestApproval': {
      const asked = Permissions.safeParse(params)
      return { permissions: asked.success ? asked.data.permissions : {}, scope: 'turn' }
    }
    case 'mcpServer/elicitation/request':
      // A tool server that wants something of a person is told no; the call of a tool is an approval.
      return ToolCallApproval.safeParse(params).success
        ? { action: 'accept', content: {}, _meta: null }
        : { action: 'decline', content: null, _meta: null }
    case 'currentTime/read':
      return { currentTimeAt: Math.floor(clock.now() / 1_000) }
    default:
      throw new RpcError(METHOD_NOT_FOUND, `this client does not answer ${method.slice(0, 100)}`)
  }
}
