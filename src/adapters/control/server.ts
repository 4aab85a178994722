import { chmodSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { streamText } from 'hono/streaming'
import { z } from 'zod'
import { CreelError, errorText } from '../../domain/errors.ts'
import type { GroupName, UserId } from '../../domain/ids.ts'
import type { ChatFile, InboundFile, Progress } from '../../domain/message.ts'
import type { Accepted, OwnChatLine } from '../../domain/ports/channel.ts'
import { type CommandAnswer, type TerminalEvent, TerminalPost } from './wire.ts'

/** What the terminal channel offers to the control socket. */
export interface TerminalChat {
  post(group: GroupName, text: string, id: string, user: UserId, files?: readonly InboundFile[]): Accepted
  subscribe(
    group: GroupName,
    afterId: number,
    onLine: (line: OwnChatLine) => void,
    onProgress: (progress: Progress | null) => void,
  ): () => void
}

/** Files of the terminal chat. */
export interface TerminalChatFiles {
  /** Takes a file of this machine. Throws CreelError. */
  take(path: string): Promise<InboundFile>
  describe(file: ChatFile): string
}

export interface ControlOptions {
  readonly socketPath: string
  readonly run: (command: string, args: unknown) => Promise<unknown>
  readonly terminal: TerminalChat
  readonly files: TerminalChatFiles
  /** Checks the group that somebody wants to talk to. Throws CreelError when there is none of that name. */
  readonly groupNamed: (text: string) => GroupName
  /** Called for whoever types at this machine: they own it. */
  readonly onTerminalUser: (user: UserId) => void
}

/**
 * The operator's door: a unix socket that only the account of the data directory can open. Whoever can use it could
 * also read the database, so it asks for no login.
 */
export class ControlServer {
  readonly #server: Server
  readonly #options: ControlOptions

  constructor(options: ControlOptions) {
    this.#options = options
    const fetch = controlApp(options).fetch
    this.#server = createAdaptorServer({ fetch, overrideGlobalObjects: false }) as Server
  }

  /** The instance lock is held, so a socket file that lies there is a dead host's. */
  async listen(): Promise<void> {
    const { socketPath } = this.#options
    rmSync(socketPath, { force: true })
    if (Buffer.byteLength(socketPath) > MAX_SOCKET_PATH) {
      throw new CreelError('invalid', `the path of the control socket is too long: ${socketPath}`, {
        hint: `set data_dir to a path of at most ${MAX_SOCKET_PATH - CONTROL_NAME.length} bytes`,
      })
    }
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(socketPath, resolve)
    })
    chmodSync(socketPath, 0o600)
  }

  /** Lets answers that are being given out (that to `down` itself) go through; streams are cut. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    const cut = setTimeout(() => this.#server.closeAllConnections(), ANSWER_MS)
    await closed
    clearTimeout(cut)
    rmSync(this.#options.socketPath, { force: true })
  }
}

/** What an answer that is on its way may still take. */
const ANSWER_MS = 250
const MAX_BODY_BYTES = 1024 * 1024
/** sun_path of a unix socket holds 104 bytes on macOS and 108 on Linux, with the closing zero. */
const MAX_SOCKET_PATH = 103
const CONTROL_NAME = '/control.sock'

function controlApp({ run, terminal, files, groupNamed, onTerminalUser }: ControlOptions): Hono {
  const app = new Hono()
  app.use(bodyLimit({ maxSize: MAX_BODY_BYTES, onError: tooLarge }))
  app.post('/commands/:name', async (c) => c.json(await answer(() => readJson(c), c.req.param('name'), run)))
  app.post('/terminal/:group', async (c) => {
    const { text, id, user, files: paths } = TerminalPost.parse(await readJson(c))
    const group = groupNamed(c.req.param('group'))
    onTerminalUser(user as UserId)
    const taken = await Promise.all(paths.map((path) => files.take(path)))
    return c.json({ accepted: terminal.post(group, text, id, user as UserId, taken) })
  })
  app.get('/terminal/:group', (c) => {
    const group = groupNamed(c.req.param('group'))
    const after = Number(c.req.query('after') ?? 0)
    return streamText(c, async (stream) => {
      const send = (event: TerminalEvent) => void stream.write(`${JSON.stringify(event)}\n`)
      const stop = terminal.subscribe(
        group,
        Number.isSafeInteger(after) ? after : 0,
        (line) => send({ type: 'line', id: line.id, author: line.author, text: withFiles(line, files) }),
        (progress) => send(progressEvent(progress, Date.now())),
      )
      send({ type: 'ready' })
      await new Promise<void>((resolve) => stream.onAbort(resolve))
      stop()
    })
  })
  app.onError((error, c) => c.json(failure(error), 400))
  app.notFound((c) => c.json(failure(new CreelError('not_found', `there is no ${c.req.path}`)), 404))
  return app
}

function withFiles(line: OwnChatLine, files: TerminalChatFiles): string {
  const shown = (line.files ?? []).map((file) => files.describe(file))
  return [line.text, ...shown].filter((part) => part !== '').join('\n')
}

async function readJson(c: Context): Promise<unknown> {
  try {
    return await c.req.json()
  } catch (error) {
    throw new CreelError('invalid', `the request is not JSON: ${errorText(error)}`, { cause: error })
  }
}

function tooLarge(c: Context): Response {
  return c.json(failure(new CreelError('invalid', 'the request is larger than 1 MiB')), 413)
}

async function answer(
  readArgs: () => Promise<unknown>,
  command: string,
  run: ControlOptions['run'],
): Promise<CommandAnswer> {
  try {
    return { ok: true, result: await run(command, await readArgs()) }
  } catch (error) {
    return failure(error)
  }
}

/** An error as the command line shows it. */
export function failure(error: unknown): CommandAnswer & { ok: false } {
  if (error instanceof CreelError) {
    const { code, message, hint } = error
    return { ok: false, code, message, ...(hint === undefined ? {} : { hint }) }
  }
  if (error instanceof z.ZodError) return { ok: false, code: 'invalid', message: z.prettifyError(error) }
  return { ok: false, code: 'internal', message: errorText(error) }
}

function progressEvent(progress: Progress | null, now: number): TerminalEvent {
  if (progress === null) return { type: 'idle' }
  const { text, activity, since } = progress
  return {
    ...{ type: 'progress', text },
    ...(activity === undefined ? {} : { activity }),
    ...(since === undefined ? {} : { elapsedMs: Math.max(0, now - since) }),
  }
}
