import type { GroupName, UnixMs } from '../ids.ts'

export interface Mount {
  /** Path as the host process sees it; the engine adapter translates it when the host itself is contained. */
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
}

export interface SandboxLimits {
  readonly memoryMb: number
  readonly cpus: number
  readonly pids: number
  readonly tmpMb: number
}

/** Everything decided about a sandbox, as plain data. The engine only carries it out. */
export interface SandboxSpec {
  readonly group: GroupName
  readonly image: string
  readonly env: Readonly<Record<string, string>>
  readonly mounts: readonly Mount[]
  readonly limits: SandboxLimits
  readonly user: { readonly uid: number; readonly gid: number }
  readonly protocol: number
  /** Fingerprint of the group's settings, of which its runner reads some only when it starts. */
  readonly settings: string
  /** Stronger engine runtime such as `runsc`; the engine's default when absent. */
  readonly runtime?: string
}

export type SandboxState = 'running' | 'paused' | 'exited'

/** A sandbox that exists, in whatever state. */
export interface SandboxHandle {
  readonly group: GroupName
  readonly id: string
  readonly state: SandboxState
  readonly protocol: number
  /** Fingerprint of the spec it was made from: a changed setting makes a new sandbox. */
  readonly specHash: string
  readonly startedAt: UnixMs
}

export interface SandboxExit {
  readonly code: number
  readonly oomKilled: boolean
}

export interface EngineInfo {
  readonly version: string
  readonly apiVersion: string
  /** Weaknesses of this engine that a person should know (no memory limits, no seccomp, …). */
  readonly warnings: readonly string[]
}

/**
 * One engine, many sandboxes; only sandboxes of this install are ever seen or touched. Every method throws
 * EngineUnavailableError when the engine does not answer. Calls for different groups may run concurrently; calls
 * for one group are serial.
 */
export interface SandboxEngine {
  /** Answers when the engine does and is new enough. */
  check(signal: AbortSignal): Promise<EngineInfo>
  /** All sandboxes of this install, in any state: those that outlived an earlier host process too. */
  list(signal: AbortSignal): Promise<readonly SandboxHandle[]>
  /** Creates and starts; removes a leftover of the same group first. Cleans up after itself when it fails. */
  start(spec: SandboxSpec, signal: AbortSignal): Promise<SandboxHandle>
  /** Idempotent. */
  pause(handle: SandboxHandle): Promise<void>
  /** Idempotent. */
  unpause(handle: SandboxHandle): Promise<void>
  /** Resolves once when it has exited for any reason, or with null when it is gone. May be called many times. */
  wait(handle: SandboxHandle, signal: AbortSignal): Promise<SandboxExit | null>
  /** Asks it to stop, waits `graceMs`, kills and removes it. Idempotent; safe on a half-made sandbox. */
  destroy(handle: SandboxHandle, options: { graceMs: number }): Promise<void>
  /** The last `lines` lines it wrote, stdout and stderr together; for a person. Hostile text, bounded. */
  logs(handle: SandboxHandle, lines: number): Promise<string>
}

/** Fingerprint of a spec; see SandboxHandle.specHash. */
export type SpecHash = (spec: SandboxSpec) => string
