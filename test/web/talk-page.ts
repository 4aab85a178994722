import type { TalkLine } from '../rig/telegram-talk.ts'

const STYLE = `
body { margin: 0; padding: 12px; background: #d7e3ec; font: 14px/1.4 "DejaVu Sans", sans-serif; width: 456px }
h1 { font-size: 14px; margin: 0 0 10px; color: #456 }
div.line { display: flow-root }
p { float: left; clear: both; max-width: 380px; margin: 0 0 8px; padding: 7px 11px; border-radius: 10px; background: #fff;
  white-space: pre-wrap; overflow-wrap: anywhere }
.person p { float: right; background: #e0f6cf }
b { display: block; font-size: 12px; color: #27709b } .person b { color: #3b7d23 }
img { display: block; width: 300px; border-radius: 6px; margin: 4px 0 }
i { display: block; font-style: normal; background: #eef3f7; padding: 6px 9px; border-radius: 6px; margin: 2px 0 }
span { display: inline-block; margin: 6px 6px 0 0; padding: 3px 12px; border-radius: 6px; background: #cfe0ec }`

/** HTML that shows lines of a talk about as Telegram does. */
export function talkPage(title: string, lines: readonly TalkLine[]): string {
  const shown = lines.map((line) => {
    const parts = [
      `<b>${line.who === 'bot' ? 'Creel' : 'Alice'}</b>`,
      line.picture ? `<img src="data:image/png;base64,${line.picture.toString('base64')}">` : '',
      line.file ? `<i>${escaped(line.file)}</i>` : '',
      escaped(line.text),
      line.buttons.length > 0 ? '\n' : '',
      ...line.buttons.map((label) => `<span>${escaped(label)}</span>`),
    ]
    return `<div class="line ${line.who}"><p>${parts.join('')}</p></div>`
  })
  return `<!doctype html><meta charset="utf-8"><style>${STYLE}</style><h1>${escaped(title)}</h1>${shown.join('')}`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
