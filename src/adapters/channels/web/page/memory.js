import { newId } from './new-id.js'

const INDEX = 'index.md'
const NAME = /^[^\s/.][^\n]{0,190}\.md$/
const POLL_MS = 700
/** A sandbox that has to start, or a turn that is being answered first. */
const WAIT_MS = 120_000

const byId = (id) => document.getElementById(id)

/** What the agent has noted: seen, searched, changed and forgotten. Nothing of it is ever shown as markup. */
export class MemoryPanel {
  #dialog = byId('memory')
  #files = byId('memory-files')
  #text = byId('memory-text')
  #status = byId('memory-status')
  #group = ''
  #path = INDEX
  /** As it was when it was loaded: what a change names, so that nothing newer is overwritten. */
  #was = { text: '', print: 'none' }
  #busy = new AbortController()

  constructor() {
    byId('memory-open').addEventListener('click', () => this.#open())
    byId('memory-close').addEventListener('click', () => this.#close())
    this.#dialog.addEventListener('cancel', (event) => {
      event.preventDefault()
      this.#close()
    })
    byId('memory-save').addEventListener('click', () => this.#save())
    byId('memory-forget').addEventListener('click', () => this.#forget())
    byId('memory-reload').addEventListener('click', () => this.#show(this.#path))
    byId('memory-new').addEventListener('submit', (event) => this.#add(event))
    byId('memory-search').addEventListener('submit', (event) => this.#search(event))
  }

  /** Another agent is open. */
  select(group) {
    this.#group = group
    byId('memory-open').hidden = false
  }

  async #open() {
    this.#dialog.showModal()
    byId('memory-found').replaceChildren()
    await this.#list()
    await this.#show(INDEX)
  }

  #close() {
    if (!this.#mayLeave()) return
    this.#busy.abort()
    this.#text.value = this.#was.text
    this.#dialog.close()
  }

  #mayLeave() {
    return this.#text.value === this.#was.text || confirm('Discard what you changed?')
  }

  async #list() {
    const list = await this.#ask('')
    if (list === null) return
    const paths = list.found.map(({ path }) => path)
    const all = [INDEX, ...paths.filter((path) => path !== INDEX)]
    this.#files.replaceChildren(
      ...all.map((path) => {
        const item = document.createElement('li')
        item.append(this.#opener(path, path))
        return item
      }),
    )
    this.#mark()
  }

  #opener(label, path) {
    const button = document.createElement('button')
    button.type = 'button'
    button.textContent = label
    button.dataset.path = path
    button.addEventListener('click', () => this.#mayLeave() && this.#show(path))
    return button
  }

  async #show(path) {
    this.#busy.abort()
    this.#busy = new AbortController()
    const { signal } = this.#busy
    this.#path = path
    this.#mark()
    this.#tell('Loading…')
    this.#text.readOnly = true
    const page = await this.#read(path)
    if (signal.aborted || page === null) return
    this.#take(page)
    this.#tell(page.more ? 'Only the beginning of it: too long to be changed here.' : '')
  }

  #take(page) {
    this.#was = page
    this.#text.value = page.text
    const fixed = page.more === true
    this.#text.readOnly = fixed
    byId('memory-save').disabled = fixed
    byId('memory-forget').disabled = page.print === 'none'
    byId('memory-reload').hidden = true
  }

  #mark() {
    byId('memory-name').textContent = this.#path
    for (const button of this.#files.querySelectorAll('button')) {
      if (button.dataset.path === this.#path) button.setAttribute('aria-current', 'page')
      else button.removeAttribute('aria-current')
    }
  }

  async #add(event) {
    event.preventDefault()
    const name = byId('memory-new-name').value.trim()
    const path = name.endsWith('.md') ? name : `${name}.md`
    if (!NAME.test(path)) return this.#tell('A page has a name such as garden.md.')
    if (!this.#mayLeave()) return
    byId('memory-new-name').value = ''
    await this.#show(path)
    this.#text.focus()
  }

  async #search(event) {
    event.preventDefault()
    const words = byId('memory-words').value.trim()
    const result =
      words === '' ? { found: [] } : await this.#ask(`/search?words=${encodeURIComponent(words)}`)
    if (result === null) return
    const items = result.found.map(({ path, line, text }) => {
      const item = document.createElement('li')
      item.append(this.#opener(`${path}:${line}`, path), ` ${text}`)
      return item
    })
    if (items.length === 0 && words !== '') {
      const none = document.createElement('li')
      none.textContent = 'Nothing found.'
      items.push(none)
    }
    byId('memory-found').replaceChildren(...items)
  }

  async #save() {
    const text = this.#text.value
    if (text.trim() === '') return this.#tell('To have nothing there, forget the page.')
    if (text === this.#was.text) return this.#tell('Nothing was changed.')
    this.#tell('Saving…')
    const uploaded = await this.#ask('', `files?name=${encodeURIComponent('page.md')}&type=text/markdown`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/octet-stream' },
      body: text,
    })
    if (uploaded !== null) await this.#change(uploaded.id, text)
  }

  async #forget() {
    if (confirm(`Forget ${this.#path}? It is removed from the memory.`)) await this.#change(null, '')
  }

  async #change(file, text) {
    this.#busy.abort()
    this.#busy = new AbortController()
    const { signal } = this.#busy
    const [path, was] = [this.#path, this.#was]
    const sent = await this.#ask('', 'memory', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ id: newId(), path, was: was.print, file }),
    })
    if (sent === null) return
    this.#tell('Waiting for the agent…')
    for (const until = Date.now() + WAIT_MS; Date.now() < until; await rest(POLL_MS)) {
      if (signal.aborted) return
      const now = await this.#read(path)
      if (signal.aborted) return
      if (now === null || now.print === was.print) continue
      // A sandbox that starts for the first time makes an index that says nothing.
      if (file !== null && was.print === 'none' && saysNothing(now.text)) continue
      if (file === null ? now.print === 'none' : now.text === text) return this.#done(path, now)
      byId('memory-reload').hidden = false
      return this.#tell('It was changed meanwhile, so nothing was saved. Your text is still here.')
    }
    this.#tell('The agent has not done it yet; its answer will be in the chat.')
  }

  async #done(path, now) {
    // What was typed meanwhile stays to be saved.
    const typed = this.#text.value
    this.#take(now)
    if (now.print !== 'none' && typed !== now.text) this.#text.value = typed
    this.#tell(now.print === 'none' ? `Forgotten: ${path}` : 'Saved.')
    await this.#list()
  }

  /** The page as it is; an empty one when there is none, null when nobody answers. */
  async #read(path) {
    return this.#ask(`/file?path=${encodeURIComponent(path)}`, 'memory', {}, { text: '', print: 'none' })
  }

  async #ask(rest, what = 'memory', options = {}, missing = null) {
    try {
      const url = `/api/chats/${encodeURIComponent(this.#group)}/${what}${rest}`
      const response = await fetch(url, { ...options, signal: AbortSignal.timeout(40_000) })
      if (response.ok) return await response.json()
      if (response.status === 404 && missing !== null) return missing
      this.#tell((await response.json()).error)
    } catch (error) {
      console.warn('memory not reached', error)
      this.#tell('Creel does not answer. Try again.')
    }
    return null
  }

  #tell(text) {
    this.#status.textContent = text
  }
}

function saysNothing(text) {
  return text.split('\n').every((line) => line.trim() === '' || line.startsWith('#'))
}

function rest(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
