import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const VERSION = 'v2.40.3'
const MODULE = 'github.com/docker/compose/v2'
const CACHE = resolve(import.meta.dirname, '../../.creel')
const BUILD_MS = 20 * 60_000

/**
 * Path of Compose v2, built from its Go module on first use (a minute or two) because no Debian of this age has it as
 * a package; or why it cannot be had.
 */
export function composeV2(): { path: string } | { missing: string } {
  const path = join(CACHE, 'bin', `compose-${VERSION}`)
  if (existsSync(path)) return { path }
  if (spawnSync('go', ['version']).status !== 0) return { missing: 'no Go to build Compose v2 with' }
  console.error(`compose: building Compose ${VERSION} with Go (a minute or two)`)
  const work = join(CACHE, 'compose-build')
  mkdirSync(work, { recursive: true })
  const go = (...args: string[]) =>
    execFileSync('go', args, {
      cwd: work,
      timeout: BUILD_MS,
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    })
  try {
    const { GoMod } = JSON.parse(go('mod', 'download', '-json', `${MODULE}@${VERSION}`)) as { GoMod: string }
    // `go install` refuses modules with exclude directives; as a main module of its own it builds as published.
    const published = execFileSync('cat', [GoMod], { encoding: 'utf8' })
    writeFileSync(
      join(work, 'go.mod'),
      `${published.replace(/^module .*$/m, 'module compose-build')}\nrequire ${MODULE} ${VERSION}\n`,
    )
    go('build', '-mod=mod', '-o', path, `${MODULE}/cmd`)
    return { path }
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
    return { missing: `Compose v2 could not be built: ${said.trim().split('\n').at(-1) ?? ''}` }
  }
}
