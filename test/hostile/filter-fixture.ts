import { createBody } from '../../src/adapters/docker/convert.ts'
import { sandboxLabels, sandboxName } from '../../src/adapters/docker/labels.ts'
import type { GroupName } from '../../src/domain/ids.ts'
import type { SandboxSpec } from '../../src/domain/ports/sandbox.ts'
import type { Policy } from '../../src/socket-filter/policy.ts'

export const INSTALL = '6f3c2c1e-9f0a-4a57-8a44-3b1b8f6f0c11'
export const GROUP = 'family' as GroupName

export function policyOf(change: Partial<Policy> = {}): Policy {
  return {
    installId: INSTALL,
    roots: { data: '/var/lib/docker/volumes/creel_data/_data', groups: '/srv/creel/groups' },
    limits: { memoryBytes: 8 * 1024 ** 3, nanoCpus: 8e9, pids: 4096 },
    runtimes: ['runc', 'runsc'],
    allowBuild: true,
    ...change,
  }
}

export interface CreateRequest {
  name: string
  body: Record<string, unknown> & { HostConfig: Record<string, unknown>; Labels: Record<string, string> }
}

/** What the engine adapter itself asks for: if it changes, these tests say whether the filter still agrees. */
export function goodCreate(policy: Policy, group: GroupName = GROUP, image?: string): CreateRequest {
  const { data, groups } = policy.roots
  const spec: SandboxSpec = {
    group,
    image: image ?? `creel-agent:${'0123456789ab'}`,
    env: { HOME: '/home/agent', NO_PROXY: 'localhost,127.0.0.1' },
    mounts: [
      { source: `${data}/mail/${group}/in`, target: '/mail/in', readOnly: true },
      { source: `${data}/mail/${group}/out`, target: '/mail/out', readOnly: false },
      { source: `${data}/run/${group}`, target: '/run/creel', readOnly: true },
      { source: `${data}/agents/${group}/home`, target: '/home/agent', readOnly: false },
      { source: `${groups}/${group}/workspace`, target: '/workspace', readOnly: false },
      { source: `${groups}/${group}/memory`, target: '/memory', readOnly: false },
      { source: `${data}/skills/${group}`, target: '/skills', readOnly: true },
    ],
    limits: { memoryMb: 512, cpus: 1, pids: 256, tmpMb: 64 },
    user: { uid: 10001, gid: 10001 },
    settings: 'none',
    protocol: 1,
  }
  const labels = sandboxLabels(spec, policy.installId, 'abc')
  const body = JSON.parse(JSON.stringify(createBody(spec, labels, (path) => path)))
  return { name: sandboxName(policy.installId, group), body }
}
