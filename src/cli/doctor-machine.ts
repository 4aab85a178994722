import { existsSync, statSync } from 'node:fs'
import type { MachineFacts } from '../../setup/machine-facts.ts'
import { systemClock } from '../adapters/clock/system-clock.ts'
import type { Install } from '../config/load.ts'
import { type Finding, ok } from './finding.ts'

const ARCHITECTURES = ['x64', 'arm64']
const LITTLE_MB = 1_500
const SCARCE_MB = 512
const LOW_DISK_BYTES = 2 * 1024 ** 3
/** Files are written a moment after they are dated, and file systems round. */
const SLACK_MS = 60_000

/** What the machine itself gives: processor, memory, disk, port, firewall, data directory, clock. Changes nothing. */
export async function checkMachine(
  install: Install,
  facts: MachineFacts,
  hostRuns: boolean,
): Promise<Finding[]> {
  return [
    architecture(facts),
    memory(facts),
    ...(await port(install, facts, hostRuns)),
    ...dataDir(install, facts),
    ...clock(install, systemClock.now()),
  ]
}

function architecture({ arch }: MachineFacts): Finding {
  if (ARCHITECTURES.includes(arch)) return ok('architecture', arch)
  const text = `${arch}: the runtimes of agents exist for ${ARCHITECTURES.join(' and ')} alone`
  return { check: 'architecture', level: 'problem', text, hint: 'use another machine' }
}

function memory(facts: MachineFacts): Finding {
  const { totalMb, availableMb } = facts.memory()
  const text = `${availableMb} MB of ${totalMb} MB available`
  if (totalMb < LITTLE_MB)
    return {
      ...{ check: 'memory', level: 'warning', text },
      hint: 'an agent of claude, codex or opencode takes 300 to 700 MB: set limits.max_running to 1 in creel.toml',
    }
  if (availableMb < SCARCE_MB)
    return {
      check: 'memory',
      level: 'warning',
      text,
      hint: 'end what is not needed, or lower limits.max_running',
    }
  return ok('memory', text)
}

async function port(install: Install, facts: MachineFacts, hostRuns: boolean): Promise<Finding[]> {
  const { enabled, host, port } = install.config.web
  if (!enabled) return [ok('port', 'the web chat is switched off')]
  const place = `${host}:${port}`
  const open = firewall(install, facts)
  if (hostRuns) return [ok('port', `${place} is Creel's own`), open]
  if (port === 0) return [ok('port', 'any free one'), open]
  const state = await facts.listen(host, port)
  if (state === 'free') return [ok('port', `${place} is free`), open]
  const hints = {
    taken: `another program listens there: set web.port in creel.toml to a free one, such as ${port + 1}`,
    denied: 'ports below 1024 need root: set web.port in creel.toml to a higher one',
    'no such address': 'this machine has no such address: set web.host in creel.toml, such as "127.0.0.1"',
  }
  return [{ check: 'port', level: 'problem', text: `${place}: ${state}`, hint: hints[state] }, open]
}

/** Telegram is asked for news from here, so nothing needs to be let in but a web chat that others are to reach. */
function firewall(install: Install, facts: MachineFacts): Finding {
  const { host, port } = install.config.web
  if (host === '127.0.0.1' || host === 'localhost' || host === '::1')
    return ok('firewall', 'nothing needs to be let in: the web chat listens on this machine alone')
  const name = facts.firewall()
  if (name === null) return ok('firewall', 'none is known to be on')
  const commands = {
    ufw: `sudo ufw allow ${port}/tcp`,
    firewalld: `sudo firewall-cmd --permanent --add-port=${port}/tcp && sudo firewall-cmd --reload`,
    nftables: `allow tcp dport ${port} in /etc/nftables.conf, then sudo systemctl reload nftables`,
  }
  return {
    ...{ check: 'firewall', level: 'warning', text: `${name} is on, and the web chat listens on ${host}` },
    hint: `where it keeps the web chat from being reached: ${commands[name]}`,
  }
}

function dataDir({ paths }: Install, facts: MachineFacts): Finding[] {
  const { dataDir: folder } = paths
  const free = facts.freeBytes(folder)
  const space = `${(free / 1024 ** 3).toFixed(1)} GiB free`
  const full: Finding[] =
    free >= LOW_DISK_BYTES
      ? []
      : [
          {
            check: 'data directory',
            level: 'problem',
            text: `${folder}: ${space}`,
            hint: 'free some: agents and mail stop on a full disk',
          },
        ]
  if (!existsSync(folder)) return [ok('data directory', `${folder} will be made; ${space}`), ...full]
  const { mode, uid } = statSync(folder)
  const own = process.getuid?.() ?? uid
  if (own !== 0 && uid !== own)
    return [
      {
        ...{ check: 'data directory', level: 'problem', text: `${folder} belongs to another account` },
        hint: `sudo chown -R "$USER" ${folder}, or run Creel as the account that it belongs to`,
      },
      ...full,
    ]
  if ((mode & 0o077) !== 0)
    return [
      {
        ...{ check: 'data directory', level: 'problem', text: `${folder} can be read by others` },
        hint: `chmod 700 ${folder}`,
      },
      ...full,
    ]
  return [ok('data directory', `${folder}, ${space}`), ...full]
}

/** Without asking anybody: what was written here was not written in the future. */
function clock({ paths }: Install, now: number): Finding[] {
  const written = [paths.hostDb, `${paths.hostDb}-wal`, paths.logFile]
    .filter((file) => existsSync(file))
    .map((file) => statSync(file).mtimeMs)
  const ahead = Math.max(now, ...written) - now
  if (ahead <= SLACK_MS) return [ok('clock', new Date(now).toISOString())]
  return [
    {
      ...{ check: 'clock', level: 'warning' },
      text: `it is ${Math.round(ahead / 60_000)} minutes behind what was written here before`,
      hint: 'set it (timedatectl set-ntp true): logins, links and tasks go by it',
    },
  ]
}
