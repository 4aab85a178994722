import { newId } from './new-id.js'

const PREFIX = 'creel.unsent.'

/**
 * Messages that the server has not taken yet: kept in localStorage, sent in order, each under one id for all its
 * tries, so that none is lost and none counts twice. `on` takes: change with the list, sent with (message, answer).
 */
export class Outgoing {
  #group
  #on
  #messages
  #running = false
  #wake = () => undefined

  constructor(group, on) {
    this.#group = group
    this.#on = on
    this.#messages = stored(group)
    addEventListener('online', () => this.retry())
    this.#changed()
    this.#run()
  }

  get messages() {
    return this.#messages
  }

  add(text, files = []) {
    const waiting = files.map((file) => ({ file, id: null }))
    const message = { id: newId(), text, files: waiting, at: Date.now(), state: 'sending' }
    this.#messages.push(message)
    keep(this.#group, message)
    this.#changed()
    this.#run()
  }

  /** Tries now what is waiting. */
  retry() {
    this.#wake()
    this.#run()
  }

  /** The stream has shown this message as stored, which may be before the answer to its post is here. */
  confirm(id) {
    if (this.#messages.some((one) => one.id === id)) this.#remove(id)
  }

  /** Takes a message out and returns its text and files. */
  discard(id) {
    const message = this.#messages.find((one) => one.id === id)
    this.#remove(id)
    this.#wake()
    return { text: message?.text ?? '', files: (message?.files ?? []).map(({ file }) => file) }
  }

  async #run() {
    if (this.#running) return
    this.#running = true
    let failures = 0
    for (;;) {
      const message = this.#messages.find((one) => one.state !== 'refused')
      if (message === undefined) break
      const outcome = await this.#post(message)
      if (outcome === 'done') failures = 0
      else await this.#pause(Math.min(1_000 * 2 ** failures++, 15_000))
    }
    this.#running = false
  }

  async #post(message) {
    this.#mark(message, 'sending')
    try {
      const response = (await this.#upload(message.files)) ?? (await this.#say(message))
      const answer = await response.json()
      if (response.status === 202) {
        this.#remove(message.id)
        this.#on.sent(message, answer)
        return 'done'
      }
      // Creel was restarted since they were uploaded.
      if (response.status === 409) for (const file of message.files) file.id = null
      const final = [400, 403, 404, 413, 415].includes(response.status)
      this.#mark(message, final ? 'refused' : 'waiting', answer.error)
      return final ? 'done' : 'again'
    } catch (error) {
      const reason = navigator.onLine ? 'Creel does not answer.' : 'You are offline.'
      this.#mark(message, 'waiting', reason, error)
      return 'again'
    }
  }

  #say({ id, text, files }) {
    return fetch(`/api/chats/${encodeURIComponent(this.#group)}/messages`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ id, text, files: files.map((file) => file.id) }),
      signal: AbortSignal.timeout(20_000),
    })
  }

  /** Sends the files that the server does not have yet; returns its answer when it does not take one. */
  async #upload(files) {
    for (const one of files.filter(({ id }) => id === null)) {
      const { file } = one
      const about = new URLSearchParams({ name: file.name, type: file.type })
      const response = await fetch(`/api/chats/${encodeURIComponent(this.#group)}/files?${about}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/octet-stream' },
        body: file,
        signal: AbortSignal.timeout(300_000),
      })
      if (response.status !== 201) return response
      one.id = (await response.json()).id
    }
    return null
  }

  #pause(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #mark(message, state, reason = '') {
    if (message.state === state && message.reason === reason) return
    message.state = state
    message.reason = reason
    this.#changed()
  }

  #remove(id) {
    this.#messages = this.#messages.filter((one) => one.id !== id)
    localStorage.removeItem(`${PREFIX}${this.#group}.${id}`)
    this.#changed()
  }

  #changed() {
    this.#on.change(this.#messages)
  }
}

// One item for each message: two tabs then never overwrite what the other one keeps.
function keep(group, { id, text, files, at }) {
  try {
    const names = files.map(({ file }) => file.name)
    localStorage.setItem(`${PREFIX}${group}.${id}`, JSON.stringify({ id, text, names, at }))
  } catch (error) {
    console.warn(
      'this browser keeps nothing; the message is lost when the page closes before it is sent',
      error,
    )
  }
}

function stored(group) {
  const prefix = `${PREFIX}${group}.`
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(prefix))
  const messages = keys.map((key) => restored(JSON.parse(localStorage.getItem(key))))
  return messages.sort((one, other) => one.at - other.at)
}

/** Files are not kept by the browser: a message that had some waits for them to be attached again. */
function restored({ id, text, names = [], at }) {
  if (names.length === 0) return { id, text, files: [], at, state: 'sending' }
  const reason = `the page was closed before its files were sent (${names.join(', ')}). Attach them again.`
  return { id, text, files: [], at, state: 'refused', reason }
}
