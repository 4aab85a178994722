import { join } from 'node:path'

/** Which service manager looks after it: the system's own, for root, or the account's. */
export type ServiceScope = 'system' | 'user'

export const UNIT_NAME = 'creel.service'

export interface UnitRequest {
  readonly scope: ServiceScope
  readonly projectDir: string
  /** The Node that runs now. */
  readonly node: string
  /** Variables that settings come from, such as CREEL_CONFIG. */
  readonly environment: Readonly<Record<string, string>>
}

/** Where the unit lies; `configHome` is the account's folder of settings. */
export function unitPath(scope: ServiceScope, configHome: string): string {
  return scope === 'system'
    ? join('/etc/systemd/system', UNIT_NAME)
    : join(configHome, 'systemd', 'user', UNIT_NAME)
}

/** A systemd unit that runs the host in the foreground. Pure. */
export function unitText({ scope, projectDir, node, environment }: UnitRequest): string {
  const variables = { CREEL_NODE: node, ...environment }
  return [
    '[Unit]',
    'Description=Creel: personal AI agents in containers',
    ...(scope === 'system'
      ? ['After=network-online.target docker.service', 'Wants=network-online.target']
      : []),
    '',
    '[Service]',
    'Type=exec',
    `WorkingDirectory=${specifier(projectDir)}`,
    `ExecStart=${quoted(join(projectDir, 'creel'))} serve`,
    ...Object.entries(variables).map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`),
    '# Told to end, it gives running turns ten seconds; sandboxes go on and are taken over by the next start.',
    'TimeoutStopSec=60',
    'KillMode=mixed',
    'Restart=on-failure',
    'RestartSec=5',
    'NoNewPrivileges=yes',
    '',
    '[Install]',
    `WantedBy=${scope === 'system' ? 'multi-user.target' : 'default.target'}`,
    '',
  ].join('\n')
}

/** One word of a unit file, whatever is in it. */
function quoted(text: string): string {
  const escaped = specifier(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"')
  return `"${escaped}"`
}

function specifier(text: string): string {
  return text.replaceAll('%', '%%')
}
