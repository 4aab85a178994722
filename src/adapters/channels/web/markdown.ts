import MarkdownIt from 'markdown-it'
import { cleanText } from '../../../markdown/clean-text.ts'
import { isTooMuchToFormat } from '../../../markdown/formatting-work.ts'

/** Longer texts are shown as they are: parsing takes time on the host's only thread, and the text is hostile. */
const MAX_MARKDOWN = 60_000

/** Turns what an agent wrote into HTML for the chat page. */
export type MarkdownRenderer = (markdown: string) => string

/**
 * Makes a renderer whose output holds no script, no image, no style, no raw HTML of the agent and no address other
 * than http, https and mailto. Images become links: loading one would tell its server what the agent put into the
 * address (threat T11), and the page's CSP forbids it besides. The renderer never throws.
 */
export function createMarkdownRenderer(): MarkdownRenderer {
  const parser = new MarkdownIt({ html: false, linkify: true, breaks: true, maxNesting: 20 })
  const escapeHtml = parser.utils.escapeHtml
  // A word such as `notes.md` is a file far more often than a web address.
  parser.linkify.set({ fuzzyLink: false })
  parser.validateLink = isAllowedLink
  parser.renderer.rules.image = (tokens, index) => {
    const token = tokens[index]
    const source = String(token?.attrGet('src') ?? '')
    const label = escapeHtml(token?.content || source)
    return isAllowedLink(source) ? `<a ${linkAttributes(source)}>[image: ${label}]</a>` : `[image: ${label}]`
  }
  parser.renderer.rules.link_open = (tokens, index) =>
    `<a ${linkAttributes(String(tokens[index]?.attrGet('href') ?? ''))}>`
  // The parser marks columns with style attributes, which the CSP forbids.
  parser.renderer.rules.th_open = (tokens, index) => cell('th', tokens[index]?.attrGet('style'))
  parser.renderer.rules.td_open = (tokens, index) => cell('td', tokens[index]?.attrGet('style'))
  parser.renderer.rules.table_open = () => '<div class="table"><table>'
  parser.renderer.rules.table_close = () => '</table></div>'
  return (markdown) => {
    const clean = cleanText(markdown)
    if (clean.length > MAX_MARKDOWN || isTooMuchToFormat(clean))
      return `<p class="plain">${escapeHtml(clean)}</p>`
    try {
      return parser.render(clean)
    } catch (error) {
      return `<p class="plain" title="${escapeHtml(String(error))}">${escapeHtml(clean)}</p>`
    }
  }

  function linkAttributes(href: string): string {
    return `href="${escapeHtml(href)}" target="_blank" rel="noopener noreferrer nofollow"`
  }
}

/** Whether an address may be put behind a link. */
export function isAllowedLink(address: string): boolean {
  return /^(?:https?:\/\/[^\s/]|mailto:[^\s])/i.test(address)
}

function cell(tag: 'th' | 'td', style: unknown): string {
  const align = /^text-align:(left|center|right)$/.exec(String(style ?? ''))?.[1]
  return align === undefined ? `<${tag}>` : `<${tag} class="${align}">`
}
