// Puts the agent runtimes that an image is to have into a folder: only their programs for this processor, each once.
// Versions and checksums are those of runtimes/package-lock.json; nothing is resolved anew and no script is run.
// Usage: node install-runtimes.mjs <folder> <runtimes, comma-separated, may be empty>
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const RUST = process.arch === 'arm64' ? 'aarch64-unknown-linux-musl' : 'x86_64-unknown-linux-musl'

/** For each runtime its package, its program in there, and what of the package no sandbox needs. */
const RUNTIMES = {
  // The SDK's own package, so that the program is always the one the SDK in the runner was made for.
  claude: { pack: `@anthropic-ai/claude-agent-sdk-linux-${process.arch}`, program: 'claude', drop: [] },
  codex: {
    pack: `@openai/codex-linux-${process.arch}`,
    program: `vendor/${RUST}/bin/codex`,
    drop: [`vendor/${RUST}/codex-resources/voice`],
  },
  opencode: { pack: `opencode-linux-${process.arch}`, program: 'bin/opencode', drop: [] },
}

const [, , folder, wanted = ''] = process.argv
const names = wanted.split(',').filter((name) => name !== '')
const unknown = names.filter((name) => !Object.hasOwn(RUNTIMES, name))
if (unknown.length > 0) throw new Error(`runtimes: expected some of ${Object.keys(RUNTIMES)}, got ${unknown}`)

mkdirSync(join(folder, 'bin'), { recursive: true })
const source = join(import.meta.dirname, 'runtimes')
const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
const lockfile = JSON.parse(readFileSync(join(source, 'package-lock.json'), 'utf8'))
const available = names.filter((name) => lockfile.packages[`node_modules/${RUNTIMES[name].pack}`])
for (const name of names.filter((one) => !available.includes(one)))
  console.log(`${name}: no package for ${process.arch} at the pinned version, left out`)

// The packages of programs depend on nothing: the others can be struck from both files.
const kept = available.map((name) => RUNTIMES[name].pack)
const pick = (all) => Object.fromEntries(Object.entries(all).filter(([pack]) => kept.includes(pack)))
manifest.optionalDependencies = pick(manifest.optionalDependencies)
const packages = kept.map((pack) => [`node_modules/${pack}`, lockfile.packages[`node_modules/${pack}`]])
const root = { ...lockfile.packages[''], optionalDependencies: manifest.optionalDependencies }
lockfile.packages = { '': root, ...Object.fromEntries(packages) }
writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lockfile))
if (available.length > 0)
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--cache', '/tmp/npm-cache'], {
    cwd: folder,
    stdio: 'inherit',
  })

for (const name of available) {
  const { pack, program, drop } = RUNTIMES[name]
  const home = join(folder, 'node_modules', pack)
  for (const part of drop) rmSync(join(home, part), { recursive: true })
  // Run once here: a program that this processor or this base cannot run is found out now, not at the first message.
  const version = execFileSync(join(home, program), ['--version'], {
    env: { HOME: '/tmp', PATH: '/usr/bin:/bin' },
  })
  symlinkSync(join('..', 'node_modules', pack, program), join(folder, 'bin', name))
  console.log(`${name}: ${String(version).trim()}`)
}
rmSync('/tmp/npm-cache', { recursive: true, force: true })
