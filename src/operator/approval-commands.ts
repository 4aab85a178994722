import { z } from 'zod'
import { stateText } from '../approvals/approval-text.ts'
import type { Approval } from '../domain/approval.ts'
import { CreelError } from '../domain/errors.ts'
import type { UserId } from '../domain/ids.ts'
import type { OperatorCommand, OperatorPorts } from './ports.ts'

/** Who decides at the command line: whoever can open the control socket owns the install. */
const OPERATOR = 'operator:cli' as UserId
const MAX_LISTED = 100

/** An ask as JSON for a script. */
function describe(approval: Approval) {
  const { id, code, kind, group, session, askedBy, askedByName, payload, card, choices, state, choice } =
    approval
  const { answer, decidedBy, decidedAt, askedAt, expiresAt, outcome, told } = approval
  return {
    ...{ id, code, kind, group, session, state, now: stateText(approval) },
    ...{ asked_by: askedBy, asked_by_name: askedByName, asked_at: askedAt, expires_at: expiresAt },
    ...{ payload: JSON.parse(payload) as unknown, shown: card, choices: choices.map((one) => ({ ...one })) },
    ...{ choice, answer, decided_by: decidedBy, decided_at: decidedAt, outcome, agent_told: told },
  }
}

function found(ports: OperatorPorts, id: number): Approval {
  const approval = ports.approvals.find(id)
  if (approval) return approval
  throw new CreelError('not_found', `there is no approval ${id}`, { hint: './creel approvals list --all' })
}

export const approvalList: OperatorCommand = {
  run(ports, args) {
    const { all } = z.object({ all: z.boolean().default(false) }).parse(args)
    return ports.approvals.list(MAX_LISTED, !all).map(describe)
  },
}

export const approvalShow: OperatorCommand = {
  run(ports, args) {
    return describe(found(ports, z.object({ id: z.number() }).parse(args).id))
  },
}

const DecideArgs = z.object({ id: z.number(), choice: z.string().default(''), reject: z.boolean() })

export const approvalDecide: OperatorCommand = {
  run(ports, args) {
    const { id, choice, reject } = DecideArgs.parse(args)
    return describe(ports.decisions.byOperator(id, { by: OPERATOR, words: choice, reject }))
  },
}
