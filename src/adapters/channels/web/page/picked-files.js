import { sizeText } from './line-files.js'

/** What the server takes in one message. */
const MAX_FILES = 20

/** Files that are to go with the next message: chosen, pasted or dropped. */
export class PickedFiles {
  #list = document.getElementById('picked')
  #input = document.getElementById('pick')
  #files = []
  #onChange

  constructor(onChange) {
    this.#onChange = onChange
    const drop = document.querySelector('main')
    document.getElementById('attach').addEventListener('click', () => this.#input.click())
    this.#input.addEventListener('change', () => {
      this.add(this.#input.files)
      this.#input.value = ''
    })
    document.getElementById('text').addEventListener('paste', (event) => {
      if (event.clipboardData.files.length === 0) return
      event.preventDefault()
      this.add(event.clipboardData.files)
    })
    drop.addEventListener('dragover', (event) => {
      if (!event.dataTransfer.types.includes('Files')) return
      event.preventDefault()
      drop.classList.add('dropping')
    })
    drop.addEventListener('dragleave', (event) => {
      if (!drop.contains(event.relatedTarget)) drop.classList.remove('dropping')
    })
    drop.addEventListener('drop', (event) => {
      drop.classList.remove('dropping')
      if (event.dataTransfer.files.length === 0) return
      event.preventDefault()
      this.add(event.dataTransfer.files)
    })
  }

  get empty() {
    return this.#files.length === 0
  }

  add(files) {
    this.#files = [...this.#files, ...files].slice(0, MAX_FILES)
    this.#show()
  }

  /** Gives them away. */
  take() {
    const files = this.#files
    this.#files = []
    this.#show()
    return files
  }

  #show() {
    this.#list.hidden = this.#files.length === 0
    this.#list.replaceChildren(...this.#files.map((file) => this.#makeChip(file)))
    this.#onChange()
  }

  #makeChip(file) {
    const chip = document.createElement('li')
    chip.textContent = `${file.name} (${sizeText(file.size)}) `
    const remove = document.createElement('button')
    remove.type = 'button'
    remove.textContent = '×'
    remove.setAttribute('aria-label', `Remove ${file.name}`)
    remove.addEventListener('click', () => {
      this.#files = this.#files.filter((one) => one !== file)
      this.#show()
    })
    chip.append(remove)
    return chip
  }
}
