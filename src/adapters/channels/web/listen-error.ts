import { CreelError } from '../../../domain/errors.ts'

/** Says what is wrong with the port in the words of the person who can change it. */
export function listenError(error: NodeJS.ErrnoException, host: string, port: number): CreelError {
  const place = `${host}:${port}`
  switch (error.code) {
    case 'EADDRINUSE':
      return new CreelError('conflict', `web chat: port ${port} on ${host} is taken by another program`, {
        hint: `Set another web.port in creel.toml, or see who has it: lsof -i :${port} (or: ss -ltnp | grep :${port})`,
        cause: error,
      })
    case 'EACCES':
      return new CreelError('conflict', `web chat: not allowed to listen on ${place}`, {
        hint: 'Ports below 1024 need root. Set web.port in creel.toml to 1024 or above.',
        cause: error,
      })
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new CreelError('invalid', `web chat: ${host} is not an address of this machine`, {
        hint: 'Set web.host in creel.toml to 127.0.0.1, or to 0.0.0.0 for all addresses.',
        cause: error,
      })
    default:
      return new CreelError('unavailable', `web chat: cannot listen on ${place}: ${error.message}`, {
        cause: error,
      })
  }
}
