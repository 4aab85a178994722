import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Tells the installer that its package is there, so that it asks no registry: it installs a plug-in package into every
 * folder of configuration, in the background, unless the folder has `node_modules` and a lock file that names it.
 */
const LOCK_FILE = JSON.stringify({ packages: { '': { dependencies: { '@opencode-ai/plugin': '*' } } } })

/** The server's own folders below the agent's home, away from those that the agent's programs use. */
export interface ServerFolders {
  readonly config: string
  readonly data: string
  readonly state: string
  readonly cache: string
  /** What the server takes for the user's home: empty, as it would read settings and skills there. */
  readonly home: string
  /** Where the program unpacks a library of 5 MB at each start, and leaves it: else a small /tmp would fill up. */
  readonly unpacked: string
}

export function serverFolders(homeDir: string): ServerFolders {
  const root = join(homeDir, '.creel', 'opencode')
  return {
    config: join(root, 'config'),
    data: join(root, 'data'),
    state: join(root, 'state'),
    cache: join(root, 'cache'),
    home: join(root, 'home'),
    unpacked: join(root, 'unpacked'),
  }
}

/**
 * Makes the folders as they must be at a start. The agent can write them, so all that could change how the server
 * behaves is made anew; only the sessions stay.
 */
export function prepareFolders(folders: ServerFolders): void {
  const { config: configHome, state, cache, home, unpacked } = folders
  for (const folder of [configHome, state, cache, home, unpacked])
    rmSync(folder, { recursive: true, force: true })
  const data = join(folders.data, 'opencode')
  // A planted account could bring settings from elsewhere; logs would grow for ever.
  for (const name of ['auth.json', 'mcp-auth.json', 'log'])
    rmSync(join(data, name), { recursive: true, force: true })
  for (const folder of [state, cache, home, unpacked, data]) mkdirSync(folder, { recursive: true })
  const config = join(folders.config, 'opencode')
  mkdirSync(join(config, 'node_modules'), { recursive: true })
  writeFileSync(join(config, 'package-lock.json'), LOCK_FILE)
}

/**
 * Puts the instructions where the server reads them before each turn. Does nothing when they are there already, so
 * that it may be called before every turn and undo what a turn before has changed.
 */
export function writeInstructions(folders: ServerFolders, text: string): void {
  const path = join(folders.config, 'opencode', 'AGENTS.md')
  if (contentOf(path) === text) return
  mkdirSync(join(folders.config, 'opencode'), { recursive: true })
  rmSync(path, { recursive: true, force: true })
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}
