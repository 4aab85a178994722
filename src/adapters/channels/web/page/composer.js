import { PickedFiles } from './picked-files.js'

const PREFIX = 'creel.draft.'

/** The message box: what is typed is kept, for each agent, until it is sent. */
export class Composer {
  #form = document.getElementById('composer')
  #text = document.getElementById('text')
  #group = ''
  #files = new PickedFiles(() => this.#changed())

  constructor(onSend) {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      const text = this.#text.value.trim()
      if ((text === '' && this.#files.empty) || this.#group === '') return
      onSend(text, this.#files.take())
      this.write('')
    })
    this.#text.addEventListener('keydown', (event) => {
      // While an input method composes a character, Enter belongs to it.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
      event.preventDefault()
      this.#form.requestSubmit()
    })
    this.#text.addEventListener('input', () => this.#changed())
  }

  show(group) {
    this.#group = group
    this.#text.placeholder = `Message ${group}`
    this.write(localStorage.getItem(PREFIX + group) ?? '')
  }

  write(text) {
    this.#text.value = text
    this.#changed()
  }

  /** Gives a text and its files back for editing; what was typed meanwhile stays below it. */
  putBefore(text, files = []) {
    this.#files.add(files)
    this.write(this.#text.value === '' ? text : `${text}\n${this.#text.value}`)
  }

  focus() {
    this.#text.focus()
  }

  #changed() {
    const { value } = this.#text
    try {
      if (value === '') localStorage.removeItem(PREFIX + this.#group)
      else localStorage.setItem(PREFIX + this.#group, value)
    } catch (error) {
      console.warn('this browser keeps no drafts', error)
    }
    this.#form.classList.toggle('filled', value.trim() !== '' || !this.#files.empty)
    this.#text.style.height = 'auto'
    this.#text.style.height = `${this.#text.scrollHeight}px`
  }
}
