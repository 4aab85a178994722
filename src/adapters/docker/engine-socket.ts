import { CreelError } from '../../domain/errors.ts'

const DEFAULT_SOCKET = '/var/run/docker.sock'
const HINT = 'set engine.socket in creel.toml to the unix socket of a local engine, e.g. /var/run/docker.sock'

/**
 * Path of the engine's socket: the configured one, else DOCKER_HOST, else Docker's default. Only local unix
 * sockets: sandboxes get folders and sockets of this machine. Throws `invalid` for anything else.
 */
export function engineSocket(choice: { configured: string; dockerHost: string | undefined }): string {
  if (choice.configured !== '') return socketPath(choice.configured, 'creel.toml: engine.socket')
  if (choice.dockerHost) return socketPath(choice.dockerHost, 'DOCKER_HOST')
  return DEFAULT_SOCKET
}

function socketPath(value: string, where: string): string {
  const path = value.startsWith('unix://') ? value.slice('unix://'.length) : value
  if (path.startsWith('/')) return path
  // The value may hold a user name and a host name: only its kind is shown.
  const kind = /^[a-z]+(?=:)/.exec(value)?.[0] ?? 'relative'
  throw new CreelError('invalid', `${where}: expected an absolute path or unix://…, got a ${kind} address`, {
    hint: HINT,
  })
}
