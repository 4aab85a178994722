import { loadAgents, showAgents } from './agents.js'
import { ChatLog } from './chat-log.js'
import { Composer } from './composer.js'
import { Connection } from './connection.js'
import { sendPress } from './line-choices.js'
import { MemoryPanel } from './memory.js'
import { Outgoing } from './outgoing.js'

const REFRESH_MS = 10_000
const BANNERS = {
  lost: 'Connection lost. Reconnecting…',
  'signed-out': 'You are signed out. Get a new link with ./creel link and open it in this browser.',
}
const HELLO =
  'Write below what you would like done. The agent works in its own locked container: it wakes up when you write, and sleeps when there is nothing to do. /help lists what you can say to Creel itself.'

const byId = (id) => document.getElementById(id)

/** The page as a whole: which agent is open, and who is told what. */
class ChatPage {
  #open = ''
  #isWorking = false
  #connection = null
  #outgoing = new Map()
  #memory = new MemoryPanel()
  #log = new ChatLog({
    act: (action, id) => this.#act(action, id),
    press: (line, choice, id) => sendPress(this.#open, line, choice, id),
  })
  #composer = new Composer((text, files) => this.#outgoing.get(this.#open)?.add(text, files))

  async start() {
    const refreshWhenSeen = () => document.hidden || this.#refresh()
    addEventListener('hashchange', () => this.#refresh())
    document.addEventListener('visibilitychange', refreshWhenSeen)
    setInterval(refreshWhenSeen, REFRESH_MS)
    await this.#refresh()
    // On a phone this would open the keyboard.
    if (matchMedia('(pointer: fine)').matches) this.#composer.focus()
  }

  async #refresh() {
    const agents = await loadAgents()
    if (agents === null) return
    const wanted = [location.hash.slice(1), this.#open, localStorage.getItem('creel.open')]
    const group = wanted.find((name) => agents.some((agent) => agent.name === name)) ?? agents[0]?.name
    showAgents(agents, group)
    if (group !== undefined) return this.#select(group)
    byId('empty-title').textContent = 'No agents yet'
    byId('empty-text').textContent =
      'An agent is a folder in groups/ with a container.json. It shows up here by itself.'
    byId('empty').hidden = false
  }

  #select(group) {
    if (group === this.#open) return
    this.#open = group
    localStorage.setItem('creel.open', group)
    document.title = `${group} · Creel`
    byId('title').textContent = group
    byId('empty-title').textContent = `Say hello to ${group}`
    byId('empty-text').textContent = HELLO
    this.#connection?.close()
    this.#log.clear()
    this.#composer.show(group)
    this.#memory.select(group)
    if (!this.#outgoing.has(group)) this.#outgoing.set(group, this.#makeOutgoing(group))
    this.#log.showPending(this.#outgoing.get(group).messages)
    this.#connection = new Connection(group, {
      line: (line) => {
        this.#outgoing.get(group).confirm(line.key)
        this.#log.showLine(line)
      },
      change: (line) => this.#log.changeLine(line),
      progress: (progress) => {
        this.#working(true)
        this.#log.showProgress(progress)
      },
      idle: () => {
        this.#working(false)
        this.#log.hideProgress()
      },
      reset: () => this.#log.clear(),
      ready: ({ older }) => this.#log.ready(older),
      state: (state) => this.#showState(group, state),
    })
  }

  /** The list says how agents are: asked again when the one that is open begins or ends to work. */
  #working(now) {
    if (now === this.#isWorking) return
    this.#isWorking = now
    this.#refresh()
  }

  #makeOutgoing(group) {
    const whenOpen = (show) => group === this.#open && show()
    return new Outgoing(group, {
      change: (messages) => whenOpen(() => this.#log.showPending(messages)),
      sent: ({ text }, { line, at, files }) =>
        whenOpen(() => this.#log.showLine({ id: line, author: 'user', at, text, files })),
    })
  }

  #showState(group, state) {
    if (group !== this.#open) return
    byId('banner').textContent = BANNERS[state] ?? ''
    byId('banner').hidden = BANNERS[state] === undefined
    if (state === 'open') this.#outgoing.get(group).retry()
    else this.#log.hideProgress()
  }

  #act(action, id) {
    const outgoing = this.#outgoing.get(this.#open)
    if (action === 'retry') return outgoing.retry()
    const { text, files } = outgoing.discard(id)
    if (action === 'edit') this.#composer.putBefore(text, files)
    this.#composer.focus()
  }
}

await new ChatPage().start()
