import type { Progress } from '../../../domain/message.ts'
import type { OwnChatLine } from '../../../domain/ports/channel.ts'
import type { Clock } from '../../../domain/ports/clock.ts'
import { type EventStream, frameOf, HEARTBEAT_FRAME } from './event-stream.ts'
import type { MarkdownRenderer } from './markdown.ts'
import { changeFrame, lineFrame } from './page-lines.ts'

/** Tabs of one login, and of all. */
const MAX_STREAMS_PER_SESSION = 12
const MAX_STREAMS = 200
/** Rendering a growing text for every token would be quadratic; people cannot read faster anyway. */
const PROGRESS_EVERY_MS = 100
/** Of a long partial text only the end is shown. */
const MAX_PARTIAL = 20_000
/** A turn that says nothing for this long is no longer shown as running. */
const PROGRESS_TTL_MS = 120_000

interface Member {
  readonly chat: string
  readonly session: string
  readonly stream: EventStream
}

interface Running {
  progress: Progress
  at: number
  /** Set while the next showing has to wait. */
  timer: NodeJS.Timeout | null
  shown: boolean
}

/** The pages that are open right now, by chat. Everything in memory; what must last is in OwnChatStore. */
export class ChatHub {
  readonly #clock: Clock
  readonly #render: MarkdownRenderer
  readonly #members = new Set<Member>()
  readonly #running = new Map<string, Running>()

  constructor(parts: { clock: Clock; render: MarkdownRenderer }) {
    this.#clock = parts.clock
    this.#render = parts.render
  }

  hasRoom(session: string): boolean {
    const own = [...this.#members].filter((member) => member.session === session)
    return own.length < MAX_STREAMS_PER_SESSION && this.#members.size < MAX_STREAMS
  }

  /** Adds a page that is up to date, and shows it the running turn. Returns how to take it out again. */
  join(chat: string, session: string, stream: EventStream): () => void {
    const member = { chat, session, stream }
    this.#members.add(member)
    const running = this.#running.get(chat)
    if (running !== undefined && running.at + PROGRESS_TTL_MS > this.#clock.now()) {
      stream.write(this.#progressFrame(running.progress))
    }
    return () => this.#members.delete(member)
  }

  /** Shows a stored line. `key` is the browser's own id of a message, by which its sender knows it again. */
  line(chat: string, line: OwnChatLine, key?: string): void {
    // What the agent said so far is in this line now.
    if (line.author === 'agent') this.#forget(chat)
    if (this.#isWatched(chat)) this.#broadcast(chat, lineFrame(chat, line, this.#render, key))
  }

  /** Shows a line as it is now. */
  change(chat: string, line: OwnChatLine): void {
    if (this.#isWatched(chat)) this.#broadcast(chat, changeFrame(chat, line, this.#render))
  }

  progress(chat: string, progress: Progress | null): void {
    if (progress === null) {
      this.#forget(chat)
      this.#broadcast(chat, frameOf({ name: 'idle', data: {} }))
      return
    }
    const running = this.#running.get(chat) ?? { progress, at: 0, timer: null, shown: false }
    this.#running.set(chat, running)
    running.progress = progress
    running.at = this.#clock.now()
    running.shown = false
    if (running.timer === null) this.#show(chat, running)
  }

  /** One beat: silent streams stay open, those whose login has ended are closed. */
  beat(isLoggedIn: (session: string) => boolean): void {
    const known = new Map<string, boolean>()
    for (const { session, stream } of this.#members) {
      const loggedIn = known.get(session) ?? isLoggedIn(session)
      known.set(session, loggedIn)
      if (loggedIn) stream.write(HEARTBEAT_FRAME)
      else stream.end()
    }
  }

  close(): void {
    for (const chat of [...this.#running.keys()]) this.#forget(chat)
    for (const { stream } of this.#members) stream.end()
  }

  #show(chat: string, running: Running): void {
    running.shown = true
    if (this.#isWatched(chat)) this.#broadcast(chat, this.#progressFrame(running.progress))
    running.timer = setTimeout(() => {
      running.timer = null
      if (!running.shown) this.#show(chat, running)
    }, PROGRESS_EVERY_MS)
    running.timer.unref()
  }

  #forget(chat: string): void {
    const running = this.#running.get(chat)
    if (running?.timer) clearTimeout(running.timer)
    this.#running.delete(chat)
  }

  #progressFrame(progress: Progress): string {
    const { text, activity, since } = progress
    const end = text.length > MAX_PARTIAL ? `… ${text.slice(-MAX_PARTIAL)}` : text
    return frameOf({
      name: 'progress',
      data: {
        html: end.trim() === '' ? '' : this.#render(end),
        ...(activity === undefined ? {} : { activity }),
        // Not the time it began: the browser's clock may be another.
        ...(since === undefined ? {} : { elapsedMs: Math.max(0, this.#clock.now() - since) }),
      },
    })
  }

  #isWatched(chat: string): boolean {
    return [...this.#members].some((member) => member.chat === chat)
  }

  #broadcast(chat: string, frame: string): void {
    for (const member of this.#members) if (member.chat === chat) member.stream.write(frame)
  }
}
