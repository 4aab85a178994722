import { createHash } from 'node:crypto'
import { type GroupName, isGroupName, type UnixMs } from '../../domain/ids.ts'
import type { SandboxHandle, SandboxSpec, SandboxState } from '../../domain/ports/sandbox.ts'

/** Labels are what makes a container ours: nothing is ever touched that does not carry the install's id. */
export const INSTALL_LABEL = 'creel.install'
export const GROUP_LABEL = 'creel.group'
export const PROTOCOL_LABEL = 'creel.protocol'
export const SPEC_LABEL = 'creel.spec'
/** On an image with packages: the install that made it. */
export const PACKAGES_LABEL = 'creel.packages'

export type Labels = Readonly<Record<string, string>>

export function sandboxLabels(spec: SandboxSpec, installId: string, specHash: string): Labels {
  return {
    [INSTALL_LABEL]: installId,
    [GROUP_LABEL]: spec.group,
    [PROTOCOL_LABEL]: String(spec.protocol),
    [SPEC_LABEL]: specHash,
  }
}

/** `creel-<8 hex of the install>-<group>`: two installs can run a group of the same name on one engine. */
export function sandboxName(installId: string, group: GroupName): string {
  return `creel-${createHash('sha256').update(installId).digest('hex').slice(0, 8)}-${group}`
}

/** The part of the engine's container list that is read. */
export interface ListedContainer {
  readonly Id: string
  readonly State: string
  /** Unix seconds. */
  readonly Created: number
  readonly Labels: Labels
}

/** Null when the labels name no group: not something this program made. */
export function handleOf(container: ListedContainer): SandboxHandle | null {
  const group = container.Labels[GROUP_LABEL] ?? ''
  if (!isGroupName(group)) return null
  return {
    group,
    id: container.Id,
    state: stateOf(container.State),
    protocol: Number(container.Labels[PROTOCOL_LABEL] ?? 0),
    specHash: container.Labels[SPEC_LABEL] ?? '',
    startedAt: (container.Created * 1000) as UnixMs,
  }
}

/** `created`, `dead`, `removing` and what later engines invent: not running, so to be cleaned up as an exited one. */
function stateOf(engineState: string): SandboxState {
  return engineState === 'running' || engineState === 'paused' ? engineState : 'exited'
}
