// Runs inside a sandbox beside the warm runtime: one turn of the runtime's own command line, in a fresh process, with
// the settings of the warm one but a state of its own. Prints {"ms":…,"session":…} as its last line.
// Usage: node -e <this> <provider> <model> <session, or -> <word>
const { spawn, execSync } = require('node:child_process')
const { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } = require('node:fs')
const { randomUUID } = require('node:crypto')

const [provider, model, session, word] = process.argv.slice(1)
const HOME = '/home/agent'
const BARE = `${HOME}/.bare/${provider}`
const WARM = { claude: '/opt/runtimes/bin/claude', codex: 'codex\0app-server', opencode: 'opencode\0serve' }[
  provider
]
const prompt = `Please answer ${word}`

/** The environment that Creel gave the warm process. */
function warmEnvironment() {
  for (const pid of readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && Number(name) !== process.pid,
  )) {
    const read = (file) => {
      try {
        return readFileSync(`/proc/${pid}/${file}`, 'utf8')
      } catch {
        return ''
      }
    }
    if (!read('cmdline').includes(WARM)) continue
    const pairs = read('environ')
      .split('\0')
      .filter((pair) => pair.includes('='))
    return Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    )
  }
  throw new Error(`no ${WARM} runs`)
}

const env = warmEnvironment()
// By these the warm one knows its own processes, and would end ours with them.
for (const name of Object.keys(env)) if (/MARK|_TREE|_SESSION|SERVER_PASSWORD/.test(name)) delete env[name]
if (env.OPENCODE_CONFIG_CONTENT) {
  // Creel's own tools are not part of the bare program.
  const config = JSON.parse(env.OPENCODE_CONFIG_CONTENT)
  env.OPENCODE_CONFIG_CONTENT = JSON.stringify({ ...config, mcp: {}, permission: { '*': 'allow' } })
}
const fresh = !existsSync(BARE)
mkdirSync(BARE, { recursive: true })
const made = randomUUID()
const commands = {
  claude: () => {
    env.CLAUDE_CONFIG_DIR = BARE
    const which = session === '-' ? ['--session-id', made] : ['--resume', session]
    return ['-p', prompt, '--model', model, '--dangerously-skip-permissions', ...which]
  },
  codex: () => {
    if (fresh) cpSync(`${env.CODEX_HOME}/config.toml`, `${BARE}/config.toml`)
    env.CODEX_HOME = BARE
    const which = session === '-' ? [prompt] : ['resume', session, prompt]
    return ['exec', '--json', '--skip-git-repo-check', '-m', model, ...which]
  },
  opencode: () => {
    if (fresh) cpSync(env.XDG_CONFIG_HOME, `${BARE}/config`, { recursive: true })
    for (const kind of ['config', 'data', 'state', 'cache'])
      env[`XDG_${kind.toUpperCase()}_HOME`] = `${BARE}/${kind}`
    const which = session === '-' ? [] : ['--session', session]
    return ['run', '--format', 'json', '--model', `anthropic/${model}`, ...which, prompt]
  },
}
const args = commands[provider]()
const program =
  provider === 'claude'
    ? WARM
    : execSync(`command -v ${provider}`, { env, shell: '/bin/sh' }).toString().trim()

const begun = performance.now()
const child = spawn(program, args, { env, cwd: '/workspace', stdio: ['ignore', 'pipe', 'pipe'] })
let said = ''
let ms = null
const hear = (chunk) => {
  said += chunk
  if (ms === null && said.includes(`heard ${word}`)) ms = performance.now() - begun
}
child.stdout.on('data', hear)
let complaint = ''
child.stderr.on('data', (chunk) => {
  complaint += chunk
})
child.on('close', (code) => {
  if (ms === null)
    throw new Error(
      `${program} ${args.join(' ')}: exit ${code}, no answer: ${(said + complaint).slice(-1500)}`,
    )
  const named = {
    claude: made,
    codex: /"thread_id":"([^"]+)"/.exec(said)?.[1],
    opencode: /"sessionID":"([^"]+)"/.exec(said)?.[1],
  }
  console.log(JSON.stringify({ ms, session: session === '-' ? named[provider] : session }))
})
