import type Docker from 'dockerode'
import type { SandboxSpec } from '../../domain/ports/sandbox.ts'
import type { Labels } from './labels.ts'

const MIB = 1024 * 1024

/** Output of a sandbox that the engine keeps on disk: for a person who looks for a crash, not an archive. */
const LOG_FILES = { Type: 'json-file', Config: { 'max-size': '2m', 'max-file': '2' } }

/** The body of `POST /containers/create`; HostConfig.Mounts corrected, which @types/dockerode types as one mount. */
export type CreateBody = Omit<Docker.ContainerCreateOptions, 'HostConfig'> & {
  readonly HostConfig: Omit<Docker.HostConfig, 'Mounts'> & { readonly Mounts: Docker.MountSettings[] }
}

/**
 * Turns a spec into the container to create. Pure. All hardening stands here and none of it is a setting.
 * `enginePath` gives a folder's path as the engine sees it.
 */
export function createBody(
  spec: SandboxSpec,
  labels: Labels,
  enginePath: (path: string) => string,
): CreateBody {
  return {
    Image: spec.image,
    // One name for all: the real one would tell the sandbox about the host.
    Hostname: 'sandbox',
    User: `${spec.user.uid}:${spec.user.gid}`,
    Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    Labels: { ...labels },
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    OpenStdin: false,
    Tty: false,
    HostConfig: {
      ...isolation(spec),
      ...limits(spec),
      // Mounts, never Binds: for a missing source Binds makes a folder owned by root, Mounts is an error. No
      // propagation is named: the default is private, and the engine wants another one inside named volumes.
      Mounts: spec.mounts.map((mount) => ({
        Type: 'bind',
        Source: enginePath(mount.source),
        Target: mount.target,
        ReadOnly: mount.readOnly,
      })),
      LogConfig: LOG_FILES,
      // The host decides what runs; a sandbox that comes back by itself would run without it.
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
      // PID 1 reaps what tools leave behind and forwards SIGTERM to the runner.
      Init: true,
      ...(spec.runtime ? { Runtime: spec.runtime } : {}),
    },
  }
}

/** What a sandbox can reach. The engine's default seccomp profile applies because none is named. */
function isolation(spec: SandboxSpec): Docker.HostConfig {
  return {
    NetworkMode: 'none',
    IpcMode: 'none',
    Privileged: false,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    ReadonlyRootfs: true,
    Tmpfs: { '/tmp': `rw,nosuid,nodev,noexec,size=${spec.limits.tmpMb}m,mode=1777` },
  }
}

/** What a sandbox can use up. No nproc: the kernel counts it per uid, over all sandboxes together. */
function limits(spec: SandboxSpec): Docker.HostConfig {
  return {
    PidsLimit: spec.limits.pids,
    Memory: spec.limits.memoryMb * MIB,
    MemorySwap: spec.limits.memoryMb * MIB,
    NanoCpus: Math.round(spec.limits.cpus * 1e9),
    // When the machine itself is out of memory, a sandbox dies before the host process does. No protection from a
    // hostile one: it can lower its score to that of the engine.
    OomScoreAdj: 500,
    Ulimits: [
      { Name: 'core', Soft: 0, Hard: 0 },
      { Name: 'nofile', Soft: 8192, Hard: 16_384 },
    ],
  }
}
