// Composition root, the part about what people are asked to decide.
import { agentKind } from './approvals/agent-kind.ts'
import { Approvals, type ApprovalsPorts } from './approvals/approvals.ts'
import { type DecisionPorts, Decisions } from './approvals/decisions.ts'
import { egressKind } from './approvals/egress-kind.ts'
import { mcpServerKind } from './approvals/mcp-server-kind.ts'
import { type PackagesKindPorts, packagesKind } from './approvals/packages-kind.ts'
import { questionKind } from './approvals/question-kind.ts'
import { skillKind } from './approvals/skill-kind.ts'
import type { Core } from './core.ts'
import { bindOwnChats } from './operator/group-commands.ts'
import { packageRequests } from './package-parts.ts'
import type { PackageImages } from './packages/package-images.ts'
import type { PumpOptions } from './pump.ts'
import type { Supervisor } from './sandboxes/supervisor.ts'

type PackageRequests = Pick<PackagesKindPorts, 'images' | 'begun'>

/** Everything between an agent's ask and its end. To be started and stopped. */
export function approvalParts(
  core: Core,
  {
    host,
    ...ports
  }: Pick<ApprovalsPorts, 'notices' | 'channelOf' | 'events' | 'nudge'> & {
    /** Has these by the time that anything is started. */
    readonly host: {
      readonly supervisor: Pick<Supervisor, 'isCurrent'>
      readonly packages: Pick<PackageImages, 'progress'>
    }
  },
  pump: Pick<PumpOptions<number>, 'clock' | 'log' | 'random' | 'pollMs' | 'backoff'>,
): Approvals {
  const { approvals, directory, dispatches, deliveries, inbound, roles } = core
  const isRenewed: ApprovalsPorts['isRenewed'] = (group, signal) => host.supervisor.isCurrent(group, signal)
  return new Approvals(
    {
      ...ports,
      approvals,
      directory,
      dispatches,
      deliveries,
      inbound,
      roles,
      isRenewed,
      kinds: kindsOf(core, packageRequests(host, ports.notices)),
    },
    pump,
  )
}

/** What decides when no host runs: it is carried out when one does. */
export function offlineDecisions(core: Core, ports: Pick<DecisionPorts, 'notices'>): Decisions {
  const { approvals, roles, clock } = core
  const nobody = () => undefined
  return new Decisions({
    ...ports,
    approvals,
    roles,
    clock,
    kinds: kindsOf(core, NOT_HERE),
    channelOf: nobody,
    nudge: nobody,
  })
}

/** Without a host nothing is carried out. */
const NOT_HERE: PackageRequests = {
  images: { progress: () => Promise.reject(new Error('no host runs')) },
  begun: () => undefined,
}

function kindsOf(core: Core, packages: PackageRequests): ApprovalsPorts['kinds'] {
  const { egressRules: rules, toolServers: servers, skillDrafts: drafts, groups, clock } = core
  return {
    egress: egressKind({ rules, groups, clock }),
    question: questionKind,
    agent: agentKind({ groups, made: () => bindOwnChats(core) }),
    mcp_server: mcpServerKind({ servers, groups, clock }),
    packages: packagesKind({ groups, ...packages }),
    skill: skillKind({ drafts, groups }),
  }
}
