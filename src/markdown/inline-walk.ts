import type { Token } from 'markdown-it'
import type { RichWriter } from './rich-writer.ts'

/** Whether a link's address may hide behind its label. Others are written out beside the label. */
export type Linkable = (url: string) => boolean

type Handler = (walk: InlineWalk, token: Token) => void

const HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['strong_open', (walk) => walk.out.open('bold')],
  ['strong_close', (walk) => walk.out.close('bold')],
  ['em_open', (walk) => walk.out.open('italic')],
  ['em_close', (walk) => walk.out.close('italic')],
  ['s_open', (walk) => walk.out.open('strike')],
  ['s_close', (walk) => walk.out.close('strike')],
  ['softbreak', (walk) => walk.out.write('\n')],
  ['hardbreak', (walk) => walk.out.write('\n')],
  ['code_inline', (walk, token) => walk.code(token.content)],
  ['link_open', (walk, token) => walk.openLink(attribute(token, 'href'))],
  ['link_close', (walk) => walk.closeLink()],
  ['image', (walk, token) => walk.image(attribute(token, 'src'), token.content)],
])

/** Writes the inline tokens of one block. A token that it does not know is written as its text. */
export class InlineWalk {
  readonly out: RichWriter
  readonly #linkable: Linkable
  #link: { readonly url: string; label: string } | undefined

  constructor(out: RichWriter, linkable: Linkable) {
    this.out = out
    this.#linkable = linkable
  }

  run(tokens: readonly Token[]): void {
    for (const token of tokens) {
      const handler = HANDLERS.get(token.type)
      if (handler === undefined) this.#text(token.content)
      else handler(this, token)
    }
  }

  code(text: string): void {
    this.#addLabel(text)
    this.out.verbatim('code', text)
  }

  openLink(url: string): void {
    this.#link = { url, label: '' }
    if (this.#linkable(url)) this.out.open('link', url)
  }

  closeLink(): void {
    const link = this.#link
    this.#link = undefined
    if (link === undefined) return
    const linked = this.#linkable(link.url)
    if (linked) this.out.close('link')
    const said = link.label.trim()
    const shown = linked ? said !== '' : said === link.url || `mailto:${said}` === link.url
    if (!shown && link.url !== '') this.out.write(said === '' ? link.url : ` (${link.url})`)
  }

  /** An image is a link to it: a message of text cannot show it, and must not fetch it. */
  image(url: string, description: string): void {
    const label = `[image${description === '' ? '' : `: ${description}`}]`
    this.#addLabel(label)
    const linked = this.#link === undefined && this.#linkable(url)
    if (linked) this.out.open('link', url)
    this.out.write(label)
    if (linked) this.out.close('link')
    else if (url !== '') this.out.write(` (${url})`)
  }

  #text(text: string): void {
    this.#addLabel(text)
    this.out.write(text)
  }

  #addLabel(text: string): void {
    if (this.#link !== undefined) this.#link.label += text
  }
}

function attribute(token: Token, name: string): string {
  return String(token.attrGet(name) ?? '')
}
