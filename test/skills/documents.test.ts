import { copyFileSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { SkillProgram } from './skill-program.ts'

const DOCS = join(import.meta.dirname, '../../docs')
const md2pdf = () => new SkillProgram('pdf', 'md2pdf.ts')

/** The drawing commands of all pages. */
function drawn(path: string): string {
  const pdf = readFileSync(path)
  const all = pdf.toString('latin1')
  const streams = [...all.matchAll(/\/FlateDecode.*?stream\r?\n(.*?)\r?\nendstream/gs)]
  return streams
    .map(([, body = '']) => {
      try {
        return inflateSync(Buffer.from(body, 'latin1')).toString('latin1')
      } catch {
        return ''
      }
    })
    .join('\n')
}

it('makes pages with headings, lists, a table, code, a link and a picture', async () => {
  using program = md2pdf()
  copyFileSync(join(DOCS, 'web-phone.png'), join(program.folder, 'house.png'))
  const rows = '| part | price |\n|---|--:|\n| tiles | 800 |\n'
  program.write(
    'r.md',
    `# Roof\n\n**bold** [site](https://example.com/x)\n\n- a\n  - b\n- [x] done\n\n${rows}\n\`\`\`\ncode\n\`\`\`\n\n---page---\n\n![house](house.png)\n`,
  )
  const ran = await program.run('r.md', 'r.pdf', '--title', 'Roof repair', '--page', 'letter')
  expect(ran).toMatchObject({ code: 0, err: '' })
  expect(ran.out).toMatch(/^r\.pdf: 2 pages, \d+ bytes\n$/)
  const pdf = readFileSync(join(program.folder, 'r.pdf')).toString('latin1')
  expect(pdf.startsWith('%PDF-')).toBe(true)
  expect(pdf).toContain('https://example.com/x')
  expect(pdf).toMatch(/\/Subtype \/Image/)
  expect(pdf).toContain('[0 0 612 792]')
  expect(drawn(join(program.folder, 'r.pdf')).match(/ Do\n?/g)?.length ?? 0).toBeGreaterThan(0)
})

it('takes no picture from elsewhere, and names letters that it has not', async () => {
  using program = md2pdf()
  symlinkSync('/etc/hostname', join(program.folder, 'link.png'))
  program.write(
    'r.md',
    'Hello 日本\n\n![a](/etc/passwd)\n\n![b](link.png)\n\n![c](http://127.0.0.1:1/x.png)\n',
  )
  const ran = await program.run('r.md', 'r.pdf')
  expect(ran.code).toBe(0)
  expect(ran.err).toContain('picture /etc/passwd is left out')
  expect(ran.err).toContain('picture link.png is left out')
  expect(ran.err).toContain('picture http://127.0.0.1:1/x.png is left out')
  expect(ran.err).toContain('no glyph for 2 characters: 日 本')
  expect(readFileSync(join(program.folder, 'r.pdf')).toString('latin1')).not.toContain('/Subtype /Image')
})

it('says how it is used', async () => {
  using program = md2pdf()
  program.write('r.md', 'x')
  expect(await program.run('r.md')).toMatchObject({ code: 1 })
  const page = await program.run('r.md', 'r.pdf', '--page', 'a3')
  expect(page.err).toBe('md2pdf: --page: expected a4 or letter, got a3\n')
})

it('drops what is around the text of a page', async () => {
  using program = new SkillProgram('research', 'page-text.ts')
  const body =
    '<nav>menu</nav><h1>Head</h1><p>one <a href="https://x.example/y">two</a></p><script>no</script>'
  const { out } = await program.runWith(
    `<html><head><title>A &amp; B</title></head><body>${body}</body></html>`,
    '-',
  )
  expect(out).toBe('A & B\n\nHead\n\none two [https://x.example/y]\n')
  const latin = Buffer.from('<meta charset="iso-8859-1"><p>gr\xfcn</p>', 'latin1')
  program.write('a.html', latin)
  expect((await program.run('a.html')).out).toBe('grün\n')
})
