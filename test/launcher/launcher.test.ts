import { spawn } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const LAUNCHER = resolve(import.meta.dirname, '../../creel')
/** All that the launcher may call; nothing else is on its PATH, so nothing of this machine leaks in. */
const TOOLS = 'sh cat cmp cp dirname env flock grep id mkdir mv readlink rm rmdir sleep tail uname'.split(' ')

let root: string
let project: string
let bin: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'creel launcher '))
  project = join(root, 'project')
  bin = join(root, 'bin')
  mkdirSync(project)
  mkdirSync(bin)
  copyFileSync(LAUNCHER, join(project, 'creel'))
  writeFileSync(join(project, 'package-lock.json'), '{"version": 1}')
  for (const tool of TOOLS) symlinkSync(real(tool), join(bin, tool))
})
afterEach(() => rmSync(root, { recursive: true }))

function real(tool: string): string {
  const found = (process.env.PATH ?? '').split(':').find((folder) => existsSync(join(folder, tool)))
  return join(found ?? '/usr/bin', tool)
}

function program(path: string, body: string): void {
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 })
}

/** A Node that says its version, or else how it was called. */
function node(path: string, version: string, code = 0): void {
  program(path, `if [ "$1" = -v ]; then echo ${version}; else printf '[%s]' "$@"; exit ${code}; fi`)
}

/** An npm that notes its calls and makes what the real one would; the Node it brings says v24.1.0. */
function npm(extra = ''): void {
  const brought = `#!/bin/sh\nif [ "$1" = -v ]; then echo v24.1.0; else printf "[%s]" "$@"; fi\n`
  writeFileSync(join(root, 'brought'), brought, { mode: 0o755 })
  program(
    join(bin, 'npm'),
    `echo "$1 $(node -v)" >>'${root}/calls'
${extra}
case $1 in
  ci) mkdir -p node_modules ;;
  install) mkdir -p "$4/node_modules/\${5%@*}/bin" && cp '${root}/brought' "$4/node_modules/\${5%@*}/bin/node" ;;
esac`,
  )
}

const calls = () =>
  existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8').trim().split('\n') : []

async function run(
  args: string[] = [],
  options: { env?: Record<string, string>; script?: string; cwd?: string } = {},
) {
  const child = spawn(options.script ?? join(project, 'creel'), args, {
    cwd: options.cwd ?? root,
    env: { PATH: bin, HOME: root, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    said.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    said.stderr += chunk
  })
  const code = await new Promise<number | null>((done) => child.once('close', done))
  return { code, ...said }
}

const MAIN = () => `[--disable-warning=ExperimentalWarning][--expose-gc][${project}/src/main.ts]`

describe('the launcher', () => {
  it('installs once, passes words and exit code through, and is silent when there is nothing to do', async () => {
    node(join(bin, 'node'), 'v24.0.0', 7)
    npm()
    const first = await run(['a b', '', '*'])
    expect(first).toMatchObject({ code: 7, stdout: `${MAIN()}[a b][][*]` })
    expect(first.stderr).toContain('installing the npm packages')
    expect(await run()).toEqual({ code: 7, stdout: MAIN(), stderr: '' })
    expect(calls()).toEqual(['ci v24.0.0'])
  })

  it('installs again when the lock file changes or node_modules is gone', async () => {
    node(join(bin, 'node'), 'v24.0.0')
    npm()
    await run()
    writeFileSync(join(project, 'package-lock.json'), '{"version": 2}')
    await run()
    rmSync(join(project, 'node_modules'), { recursive: true })
    await run()
    expect(calls()).toHaveLength(3)
  })

  it('fetches a Node into the project when the one on PATH is too old, and uses it from then on', async () => {
    node(join(bin, 'node'), 'v20.20.2')
    npm()
    const first = await run(['up'])
    expect(first).toMatchObject({ code: 0, stdout: `${MAIN()}[up]` })
    expect(calls()).toEqual(['install v20.20.2', 'ci v24.1.0'])
    expect(existsSync(join(project, '.creel/node/bin/node'))).toBe(true)
    expect((await run()).stderr).toBe('')
  })

  it.each([
    ['v18.19.0', null],
    ['v22.11.0', null],
    ['v22.12.0', '[--experimental-strip-types]'],
    ['v22.17.1', '[--experimental-strip-types]'],
    ['v22.18.0', ''],
    ['v23.5.0', '[--experimental-strip-types]'],
    ['v23.6.0', ''],
    ['v24.0.0', ''],
    ['v26.3.1', ''],
    ['v100.0.0', ''],
  ])('Node %s', async (version, flags) => {
    const chosen = join(root, 'my node')
    node(chosen, version)
    npm()
    const result = await run([], { env: { CREEL_NODE: chosen } })
    if (flags === null)
      expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('22.12 or newer') })
    else expect(result.stdout).toBe(`${flags}${MAIN()}`)
  })

  it('says what to type when there is no npm', async () => {
    const result = await run()
    expect(result.code).toBe(1)
    expect(result.stderr).toContain('sudo apt-get install -y --no-install-recommends npm')
  })

  it('shows the end of what npm said when it fails, leaves no stamp, and works when run again', async () => {
    node(join(bin, 'node'), 'v24.0.0')
    npm(`[ -e '${root}/network' ] || { mkdir -p node_modules; echo 'npm error code ENOTFOUND'; exit 1; }`)
    const failed = await run()
    expect(failed.code).toBe(1)
    expect(failed.stderr).toContain('npm error code ENOTFOUND')
    expect(failed.stderr).toContain(join(project, '.creel/npm.log'))
    writeFileSync(join(root, 'network'), '')
    expect((await run()).stdout).toBe(MAIN())
  })

  it('lets one of many at once install, and all run', async () => {
    node(join(bin, 'node'), 'v20.0.0')
    npm('sleep 0.2')
    const results = await Promise.all(Array.from({ length: 6 }, () => run()))
    expect(results.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 6 }, MAIN))
    expect(calls()).toHaveLength(2)
  })

  it('does the same where there is no flock', async () => {
    rmSync(join(bin, 'flock'))
    node(join(bin, 'node'), 'v24.0.0')
    npm('sleep 0.2')
    const results = await Promise.all([run(), run(), run()])
    expect(results.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 3 }, MAIN))
    expect(calls()).toHaveLength(1)
    expect(existsSync(join(project, '.creel/launcher.lock.d'))).toBe(false)
  })

  it('finds its folder through links, from anywhere', async () => {
    node(join(bin, 'node'), 'v24.0.0')
    npm()
    symlinkSync('project/creel', join(root, 'near'))
    symlinkSync(join(root, 'near'), join(bin, 'creel'))
    expect((await run([], { script: join(bin, 'creel'), cwd: '/' })).stdout).toBe(MAIN())
  })

  it('runs the tests before anything is configured', async () => {
    node(join(bin, 'node'), 'v24.0.0')
    npm()
    const { stdout } = await run(['test', 'unit', '--json'])
    expect(stdout).toBe(`[--disable-warning=ExperimentalWarning][${project}/setup/test-run.ts][unit][--json]`)
  })

  it('writes nothing outside the project, nor lets npm do so, and runs no install script', async () => {
    node(join(bin, 'node'), 'v20.0.0')
    npm(`echo "$*" >>'${root}/words'`)
    expect((await run()).code).toBe(0)
    for (const line of readFileSync(join(root, 'words'), 'utf8').trim().split('\n')) {
      expect(line).toContain(`--cache ${project}/.creel/npm-cache`)
      expect(line).toContain('--ignore-scripts')
    }
    expect(readdirSync(root).sort()).toEqual(['bin', 'brought', 'calls', 'project', 'words'])
  })
})
