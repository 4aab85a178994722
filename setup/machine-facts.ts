import { existsSync, readFileSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { freemem, totalmem } from 'node:os'
import { dirname } from 'node:path'

/** What a machine has to offer; looked up anew at each call, changes nothing. Tests put a described one in its place. */
export interface MachineFacts {
  readonly arch: string
  readonly nodeVersion: string
  /** As far as this process may use it: a container's bound counts. */
  memory(): { readonly totalMb: number; readonly availableMb: number }
  /** Of the file system that holds the folder, or would. */
  freeBytes(folder: string): number
  /** Whether this user could listen there. */
  listen(host: string, port: number): Promise<'free' | 'taken' | 'denied' | 'no such address'>
  /** The firewall that is known to be on; null when none is, or when only root could tell. */
  firewall(): 'ufw' | 'firewalld' | 'nftables' | null
}

const MB = 1024 ** 2

export function thisMachinesFacts(): MachineFacts {
  return { arch: process.arch, nodeVersion: process.version, memory, freeBytes, listen, firewall }
}

function memory(): { totalMb: number; availableMb: number } {
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(textOf('/proc/meminfo'))?.[1]
  const free = available === undefined ? freemem() : Number(available) * 1024
  const bound = process.constrainedMemory()
  const total = bound > 0 ? Math.min(totalmem(), bound) : totalmem()
  return { totalMb: Math.round(total / MB), availableMb: Math.round(Math.min(free, total) / MB) }
}

function freeBytes(folder: string): number {
  let there = folder
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there)
  const { bavail, bsize } = statfsSync(there)
  return bavail * bsize
}

function listen(host: string, port: number): Promise<'free' | 'taken' | 'denied' | 'no such address'> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EACCES') resolve('denied')
      else resolve(error.code === 'EADDRINUSE' ? 'taken' : 'no such address')
    })
    server.listen(port, host, () => server.close(() => resolve('free')))
  })
}

/** By files that everybody may read: asking the firewalls themselves needs root. */
function firewall(): 'ufw' | 'firewalld' | 'nftables' | null {
  if (/^ENABLED=yes/m.test(textOf('/etc/ufw/ufw.conf'))) return 'ufw'
  if (existsSync('/run/firewalld') || existsSync('/var/run/firewalld.pid')) return 'firewalld'
  const nftables = '/etc/systemd/system/sysinit.target.wants/nftables.service'
  return existsSync(nftables) ? 'nftables' : null
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error) return ''
    throw error
  }
}
