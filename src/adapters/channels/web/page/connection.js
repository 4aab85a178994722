/** Without a sign of life for this long the connection counts as dead; the server beats every 15 s. */
const SILENCE_MS = 40_000

/**
 * The stream of one chat. Comes back by itself and continues after the last line it saw. `on` takes: line,
 * change, progress, idle, reset, ready, and state with 'open', 'lost' or 'signed-out'.
 */
export class Connection {
  #group
  #on
  #source = null
  #lastLine = 0
  #lastSign = Date.now()
  #failures = 0
  #timer = 0
  #closed = new AbortController()

  constructor(group, on) {
    this.#group = group
    this.#on = on
    const { signal } = this.#closed
    addEventListener('online', () => this.#open(), { signal })
    addEventListener('offline', () => this.#lose(), { signal })
    document.addEventListener('visibilitychange', () => this.#check(), { signal })
    const watch = setInterval(() => this.#check(), 5_000)
    signal.addEventListener('abort', () => clearInterval(watch))
    this.#open()
  }

  close() {
    this.#closed.abort()
    this.#drop()
  }

  #open() {
    this.#drop()
    this.#lastSign = Date.now()
    const source = new EventSource(
      `/api/chats/${encodeURIComponent(this.#group)}/events?after=${this.#lastLine}`,
    )
    this.#source = source
    const hear = (name, tell) =>
      source.addEventListener(name, (event) => {
        this.#lastSign = Date.now()
        tell(JSON.parse(event.data))
      })
    hear('line', (line) => {
      this.#lastLine = Math.max(this.#lastLine, line.id)
      this.#on.line(line)
    })
    hear('change', this.#on.change)
    hear('reset', () => {
      this.#lastLine = 0
      this.#on.reset()
    })
    hear('ready', (data) => {
      this.#failures = 0
      this.#on.ready(data)
      this.#on.state('open')
    })
    hear('progress', this.#on.progress)
    hear('idle', this.#on.idle)
    hear('beat', () => undefined)
    source.onerror = () => this.#lose()
  }

  #drop() {
    clearTimeout(this.#timer)
    this.#source?.close()
    this.#source = null
  }

  // An EventSource gives up for good when it is answered with an error, so trying again is done here.
  #lose() {
    this.#drop()
    this.#on.state('lost')
    const wait = Math.min(500 * 2 ** this.#failures, 15_000) * (0.75 + Math.random() / 2)
    this.#failures += 1
    this.#timer = setTimeout(() => this.#tryAgain(), wait)
  }

  async #tryAgain() {
    if (!(await this.#isSignedOut())) return this.#closed.signal.aborted || this.#open()
    this.#drop()
    this.#on.state('signed-out')
  }

  async #isSignedOut() {
    try {
      const response = await fetch('/api/agents', { signal: AbortSignal.timeout(10_000) })
      return response.status === 401
    } catch {
      // Not reachable says nothing about the login.
      return false
    }
  }

  #check() {
    if (this.#source !== null && Date.now() - this.#lastSign > SILENCE_MS) this.#open()
  }
}
