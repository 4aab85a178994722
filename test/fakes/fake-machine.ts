import type { CommandResult, RunCommand } from '../../setup/command.ts'
import type { PingAnswer } from '../../setup/engine-ping.ts'
import type { Machine } from '../../setup/machine.ts'

export const ANSWERS: PingAnswer = { state: 'answers', apiVersion: '1.41' }
const ABSENT: PingAnswer = { state: 'absent' }

export interface FakeMachineScript {
  platform?: NodeJS.Platform
  uid?: number
  init?: string
  /** Programs on the machine. */
  programs?: string[]
  files?: string[]
  /** What the engine says before any command has changed it. */
  ping?: PingAnswer
  /** Beginning of a command line → what it does. A command that is not listed fails the test. */
  commands?: Record<string, (machine: FakeMachine) => Partial<CommandResult>>
  /** What happens when a program is started in the background. */
  onDetached?: (machine: FakeMachine, line: string) => void
}

/** A computer made of data. It is strict: a command that the script does not know is an error. */
export class FakeMachine implements Machine {
  readonly platform: NodeJS.Platform
  readonly uid: number
  readonly init: string
  readonly programs: Set<string>
  readonly lines: string[] = []
  engine: PingAnswer
  slept = 0
  readonly #script: FakeMachineScript

  constructor(script: FakeMachineScript = {}) {
    this.#script = script
    this.platform = script.platform ?? 'linux'
    this.uid = script.uid ?? 0
    this.init = script.init ?? 'sh'
    this.programs = new Set(script.programs ?? [])
    this.engine = script.ping ?? ABSENT
  }

  readonly run: RunCommand = async (command, args) => {
    const line = [command, ...args].join(' ')
    this.lines.push(line)
    const known = Object.entries(this.#script.commands ?? {}).find(([start]) => line.startsWith(start))
    if (known === undefined) throw new Error(`unexpected command: ${line}`)
    return { code: 0, stdout: '', stderr: '', ...known[1](this) }
  }

  has(command: string): boolean {
    return this.programs.has(command)
  }
  exists(path: string): boolean {
    return this.#script.files?.includes(path) ?? false
  }
  async ping(): Promise<PingAnswer> {
    return this.engine
  }
  startDetached(command: string, args: readonly string[], logFile: string): void {
    const line = [command, ...args].join(' ')
    this.lines.push(`${line} > ${logFile}`)
    if (this.#script.onDetached === undefined) throw new Error(`unexpected background program: ${line}`)
    this.#script.onDetached(this, line)
  }
  tail(): string {
    return 'last words of the log'
  }
  async sleep(ms: number): Promise<void> {
    this.slept += ms
  }
}
