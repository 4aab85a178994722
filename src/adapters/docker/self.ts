import { readFile } from 'node:fs/promises'
import type Docker from 'dockerode'
import { CreelError } from '../../domain/errors.ts'
import { engineCall } from './engine-client.ts'
import { ignoreNotFound } from './engine-errors.ts'

export type EnginePath = (path: string) => string

/** A mount of the container that the host process itself runs in. */
export interface OwnMount {
  readonly Type: string
  /** As the engine sees it. */
  readonly Source: string
  /** As this process sees it. */
  readonly Destination: string
}

/**
 * Id of the container this process runs in, from the text of /proc/self/mountinfo, or null. Works for cgroup v1
 * and v2 and with any hostname. Only mounts *onto* the three files that an engine provides count: on the engine's
 * own machine mountinfo names containers too, those of others.
 */
export function ownContainerId(mountinfo: string): string | null {
  for (const line of mountinfo.split('\n')) {
    const [, , , root = '', target = ''] = line.split(' ')
    if (!['/etc/hostname', '/etc/hosts', '/etc/resolv.conf'].includes(target)) continue
    const id = /(?:^|\/)(?:overlay-)?containers\/([0-9a-f]{64})\//.exec(root)?.[1]
    if (id) return id
  }
  return null
}

/**
 * The engine's path of a path of ours, by the mount with the longest fitting destination. Throws `invalid` when
 * none fits: the engine would look for the folder on its own machine, where there is another one or none.
 */
export function enginePath(path: string, mounts: readonly OwnMount[]): string {
  const fitting = mounts
    .filter((mount) => mount.Type === 'bind' || mount.Type === 'volume')
    .filter((mount) => `${path}/`.startsWith(withSlash(mount.Destination)))
    .sort((a, b) => b.Destination.length - a.Destination.length)[0]
  if (!fitting) {
    throw new CreelError('invalid', `${path} is inside Creel's own container: the engine cannot mount it`, {
      hint: 'put data_dir and groups_dir on a bind mount or volume of that container, see docker-compose.yml',
    })
  }
  const below = path.slice(withSlash(fitting.Destination).length - 1)
  return `${fitting.Source.replace(/\/$/, '')}${below}`
}

function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`
}

/** How paths of this process read for the engine: unchanged, unless this process runs in a container of it. */
export async function findEnginePath(docker: Docker, mountinfo: () => Promise<string>): Promise<EnginePath> {
  const id = ownContainerId(await mountinfo())
  if (!id) return (path) => path
  // Not found: the container is one of another engine, around this one; then both see the same folders.
  const self = await engineCall("look at Creel's own container", {}, (abortSignal) =>
    ignoreNotFound(docker.getContainer(id).inspect({ abortSignal })),
  )
  return self ? (path) => enginePath(path, self.Mounts) : (path) => path
}

/** Empty where there is no /proc (macOS): such a host is not in a container. */
export async function readMountinfo(): Promise<string> {
  try {
    return await readFile('/proc/self/mountinfo', 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}
