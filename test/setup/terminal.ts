import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

const LIMIT_MS = 60_000
const LOOK_MS = 40
/** Presses of an arrow before an option counts as missing. */
const MOST_OPTIONS = 20

/** A real terminal: tmux, which runs one program after another, takes keys and tells what the screen shows. */
export class Terminal implements Disposable {
  readonly #socket: string
  #runs = 0

  /** `env` is what the programs see, and nothing else. */
  constructor(env: NodeJS.ProcessEnv, size: { columns: number; rows: number } = { columns: 100, rows: 60 }) {
    this.#socket = `creel-test-${crypto.randomUUID().slice(0, 8)}`
    const set = Object.entries(env).flatMap(([name, value]) =>
      value === undefined ? [] : ['-e', `${name}=${value}`],
    )
    const plain = ['-e', 'PS1=$ ', '-e', 'TERM=tmux-256color', '-e', 'LANG=C.UTF-8']
    const shell = ['bash', '--norc', '--noprofile']
    const place = ['-d', '-x', String(size.columns), '-y', String(size.rows)]
    this.#tmux(['-f', '/dev/null', '-u', 'new-session', ...place, ...set, ...plain, ...shell])
    for (const name of Object.keys(process.env).filter(
      (name) => env[name] === undefined && /^CREEL_/.test(name),
    ))
      this.#tmux(['send-keys', `unset ${name}`, 'Enter'])
  }

  /** What the screen shows, without empty lines at its end. */
  get screen(): string {
    return this.#tmux(['capture-pane', '-p']).trimEnd()
  }

  /** The same with what has scrolled away since the last command began. */
  get history(): string {
    const all = this.#tmux(['capture-pane', '-p', '-S', '-']).trimEnd()
    return all.slice(Math.max(0, all.lastIndexOf(`run ${this.#runs - 1} ended`)))
  }

  type(text: string): void {
    this.#tmux(['send-keys', '-l', '--', text])
  }

  press(...keys: string[]): void {
    this.#tmux(['send-keys', ...keys])
  }

  /** Types a command on an empty screen; its exit code is shown when it ends. */
  run(command: string): void {
    this.#runs += 1
    this.type(`clear; ${command}; echo "run ${this.#runs} ended: $?"`)
    this.press('Enter')
  }

  /** Exit code of the command that was run last. */
  async ended(): Promise<number> {
    const line = new RegExp(`^run ${this.#runs} ended: (\\d+)`, 'm')
    await this.until(`the end of run ${this.#runs}`, () => line.test(this.screen))
    return Number(line.exec(this.screen)?.[1])
  }

  /** Waits until the last question on the screen is this one. */
  async asked(question: string): Promise<void> {
    await this.until(`the question “${question}”`, () => this.#question().includes(question))
  }

  /** Waits for a question with options, moves to the one that begins so, and takes it. */
  async choose(question: string, option: string): Promise<void> {
    await this.asked(question)
    for (let presses = 0; presses < MOST_OPTIONS; presses++) {
      const before = this.#chosen()
      if (before.startsWith(option)) {
        this.press('Enter')
        return this.until(`“${question}” to be answered`, () => !this.#question().includes(question))
      }
      this.press('Down')
      await this.until('the cursor to move', () => this.#chosen() !== before)
    }
    throw new Error(`${question}: no option begins with ${option}\n${this.screen}`)
  }

  /** Waits for a question, takes away what stands there, and answers it with a line. */
  async answer(question: string, text: string): Promise<void> {
    await this.asked(question)
    this.press('C-u')
    if (text !== '') this.type(text)
    this.press('Enter')
    await this.until(`“${question}” to be answered`, () => !this.#question().includes(question))
  }

  /** Waits until the screen shows this. */
  async shows(text: string | RegExp): Promise<void> {
    await this.until(`“${text}”`, () =>
      typeof text === 'string' ? this.screen.includes(text) : text.test(this.screen),
    )
  }

  async until(what: string, holds: () => boolean): Promise<void> {
    const deadline = Date.now() + LIMIT_MS
    while (!holds()) {
      if (Date.now() > deadline) throw new Error(`waited in vain for ${what}; the screen:\n${this.screen}`)
      await sleep(LOOK_MS)
    }
  }

  [Symbol.dispose](): void {
    this.#tmux(['kill-server'])
  }

  /** The open question: clack marks it with a filled diamond, or with a triangle when what was typed will not do. */
  #question(): string {
    return /^[◆▲]\s+(.*)$/m.exec(this.screen)?.[1] ?? ''
  }

  #chosen(): string {
    return /^│\s+● (.*)$/m.exec(this.screen)?.[1] ?? ''
  }

  #tmux(args: readonly string[]): string {
    const ran = spawnSync('tmux', ['-L', this.#socket, ...args], { encoding: 'utf8', timeout: 10_000 })
    if (ran.status !== 0) throw new Error(`tmux ${args[0]}: ${ran.stderr || ran.error?.message}`)
    return ran.stdout
  }
}
