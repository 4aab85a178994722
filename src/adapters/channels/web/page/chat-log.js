import { makeChoices } from './line-choices.js'
import { makeFiles, makeUnsentFiles } from './line-files.js'

/** A turn that says nothing for this long is no longer shown as running. */
const PROGRESS_TTL_MS = 120_000
/** A turn that is done sooner needs no clock. */
const QUICK_S = 5

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const calendar = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })

const byId = (id) => document.getElementById(id)

/** Everything between the title and the message box. */
export class ChatLog {
  #log = byId('log')
  #pending = byId('pending')
  #partial = byId('partial')
  #scroller = byId('scroller')
  #jump = byId('jump')
  #lines = new Map()
  #lastDay = ''
  #timer = 0
  #ticking = 0
  #began = 0
  #on

  /** `on.act` takes 'retry', 'edit' or 'discard' and the id of an unsent message; `on.press` a line and a choice. */
  constructor(on) {
    this.#on = on
    this.#jump.addEventListener('click', () => this.toBottom())
    this.#scroller.addEventListener('scroll', () => {
      if (this.#atBottom()) this.#jump.hidden = true
    })
    new ResizeObserver(() => this.#jump.hidden && this.toBottom()).observe(this.#scroller)
  }

  clear() {
    this.#log.replaceChildren()
    this.#log.setAttribute('aria-busy', 'true')
    this.#lines.clear()
    this.#lastDay = ''
    byId('older').hidden = true
    byId('empty').hidden = true
    this.hideProgress()
  }

  ready(older) {
    const first = this.#log.getAttribute('aria-busy') === 'true'
    this.#log.setAttribute('aria-busy', 'false')
    if (first) byId('older').hidden = !older
    if (first) this.toBottom()
    this.#showEmpty()
  }

  /** Shows a stored line; one that is there already is left alone. */
  showLine(line) {
    if (this.#lines.has(line.id)) return
    if (line.author === 'agent') this.hideProgress()
    this.#keepingBottom(line.author === 'user', () => {
      this.#showDay(line.at)
      const element = this.#makeStored(line)
      this.#lines.set(line.id, element)
      this.#log.append(element)
    })
    this.#showEmpty()
  }

  /** Shows a line as it is now. */
  changeLine(line) {
    const before = this.#lines.get(line.id)
    if (before === undefined) return
    const element = this.#makeStored(line)
    this.#keepingBottom(false, () => before.replaceWith(element))
    this.#lines.set(line.id, element)
  }

  showPending(messages) {
    this.#keepingBottom(false, () => {
      this.#pending.replaceChildren(...messages.map((message) => this.#makePending(message)))
    })
    this.#showEmpty()
  }

  showProgress({ html, activity, elapsedMs }) {
    clearTimeout(this.#timer)
    this.#began = performance.now() - (elapsedMs ?? 0)
    this.#ticking ||= setInterval(() => this.#showElapsed(), 1_000)
    this.#showElapsed()
    this.#timer = setTimeout(() => this.hideProgress(), PROGRESS_TTL_MS)
    this.#keepingBottom(false, () => {
      this.#partial.hidden = false
      byId('partial-body').innerHTML = html
      const text = activity ?? (html === '' ? 'Thinking' : 'Writing')
      if (byId('working').textContent !== text) byId('working').textContent = text
    })
    this.#showEmpty()
  }

  hideProgress() {
    clearTimeout(this.#timer)
    clearInterval(this.#ticking)
    this.#ticking = 0
    byId('elapsed').textContent = ''
    this.#partial.hidden = true
    byId('partial-body').replaceChildren()
    byId('working').textContent = ''
  }

  /** Apart from the status, which is read out at each change. */
  #showElapsed() {
    const seconds = Math.floor((performance.now() - this.#began) / 1_000)
    const minutes = Math.floor(seconds / 60)
    const text = minutes > 0 ? `${minutes} min ${String(seconds % 60).padStart(2, '0')} s` : `${seconds} s`
    byId('elapsed').textContent = seconds < QUICK_S ? '' : ` · ${text}`
  }

  toBottom() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight
    this.#jump.hidden = true
  }

  #atBottom() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller
    return scrollHeight - scrollTop - clientHeight < 80
  }

  #keepingBottom(always, change) {
    const follow = always || this.#atBottom()
    change()
    if (follow) this.toBottom()
    else this.#jump.hidden = false
  }

  #showDay(at) {
    const day = calendar.format(at)
    if (day === this.#lastDay) return
    this.#lastDay = day
    const element = document.createElement('p')
    element.className = 'day'
    element.textContent = day === calendar.format(Date.now()) ? 'Today' : day
    this.#log.append(element)
  }

  #showEmpty() {
    const loading = this.#log.getAttribute('aria-busy') === 'true'
    const busy = this.#lines.size > 0 || this.#pending.childElementCount > 0 || !this.#partial.hidden
    byId('empty').hidden = loading || busy
  }

  #makeStored(line) {
    const element = makeLine(line.author, line.at)
    const body = element.querySelector('.body')
    if (line.author === 'agent') fillMarkup(body, line.html)
    else body.textContent = line.text
    if (line.choices?.length > 0)
      body.after(makeChoices(line.choices, (choice, id) => this.#on.press(line.id, choice, id)))
    if (line.files?.length > 0) body.after(makeFiles(line.files))
    if (line.reaction !== undefined) element.append(makeReaction(line.reaction))
    return element
  }

  #makePending(message) {
    const element = makeLine('user', message.at)
    element.classList.add('unsent')
    element.querySelector('.body').textContent = message.text
    if (message.files.length > 0) element.querySelector('.body').after(makeUnsentFiles(message.files))
    const meta = element.querySelector('.meta')
    if (message.state === 'sending') meta.textContent = 'Sending…'
    else {
      const again = message.state === 'waiting' ? ' It will be sent as soon as possible.' : ''
      meta.textContent = `Not sent: ${message.reason}${again} `
      const actions = message.state === 'waiting' ? ['retry', 'discard'] : ['edit', 'discard']
      meta.append(...actions.map((action) => this.#makeAction(action, message.id)))
    }
    return element
  }

  #makeAction(action, id) {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'action'
    button.textContent = { retry: 'Try now', edit: 'Edit', discard: 'Discard' }[action]
    button.addEventListener('click', () => this.#on.act(action, id))
    return button
  }
}

function makeLine(author, at) {
  const element = document.createElement('article')
  element.className = `line ${author}`
  element.setAttribute('aria-label', author === 'user' ? 'You' : 'Agent')
  const body = document.createElement('div')
  body.className = 'body'
  const meta = document.createElement('p')
  meta.className = 'meta'
  meta.textContent = author === 'user' ? `${clock.format(at)} · Sent` : clock.format(at)
  element.append(body, meta)
  return element
}

function makeReaction(emoji) {
  const element = document.createElement('p')
  element.className = 'reaction'
  element.setAttribute('aria-label', `The agent reacted with ${emoji}`)
  element.textContent = emoji
  return element
}

// The markup comes from our server, which makes it from text with no HTML of the agent's own let through.
function fillMarkup(body, html) {
  body.innerHTML = html
  for (const pre of body.querySelectorAll('pre')) {
    const frame = document.createElement('div')
    frame.className = 'code'
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'copy'
    button.textContent = 'Copy'
    button.addEventListener('click', () => copy(pre, button))
    pre.tabIndex = 0
    pre.replaceWith(frame)
    frame.append(pre, button)
  }
}

async function copy(pre, button) {
  try {
    await navigator.clipboard.writeText(pre.textContent)
    button.textContent = 'Copied'
  } catch (error) {
    // Browsers allow this on https and loopback only; with the text selected, the person can copy by hand.
    getSelection().selectAllChildren(pre)
    button.textContent = 'Selected'
    button.title = error instanceof Error ? error.message : ''
  }
  setTimeout(() => {
    button.textContent = 'Copy'
  }, 2_000)
}
