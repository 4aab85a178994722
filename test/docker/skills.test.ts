import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { engineClient } from '../../src/adapters/docker/engine-client.ts'
import { ENGINE_SOCKET, testAgentImage } from './test-image.ts'

const SKILLS = join(import.meta.dirname, '../../skills')
const docker = engineClient(ENGINE_SOCKET)
let folder: string
let image: string

beforeAll(async () => {
  image = await testAgentImage()
  folder = mkdtempSync(join(tmpdir(), 'creel-skills-'))
  mkdirSync(join(folder, 'work'), { mode: 0o777 })
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs a shell line in the agent image as its account, with the skills where an agent sees them and no network. */
async function inImage(line: string): Promise<string> {
  const container = await docker.createContainer({
    Image: image,
    Entrypoint: ['sh', '-ec'],
    Cmd: [`cd /tmp && ${line} 2>&1`],
    User: '10001:10001',
    Tty: true,
    HostConfig: {
      NetworkMode: 'none',
      ReadonlyRootfs: true,
      Tmpfs: { '/tmp': 'size=64m' },
      Binds: [`${SKILLS}:/skills:ro`, `${join(folder, 'work')}:/given:ro`],
    },
  })
  try {
    await container.start()
    await container.wait()
    return String(await container.logs({ stdout: true, stderr: true })).replaceAll('\r\n', '\n')
  } finally {
    await container.remove({ force: true })
  }
}

it('the programs of the starter skills run in the sandbox image, with nothing to install', async () => {
  writeFileSync(join(folder, 'work', 'r.md'), '# Roof\n\n| a | b |\n|---|---|\n| 1 | 2 |\n')
  writeFileSync(join(folder, 'work', 'a.csv'), 'what,amount\nfood,3\nrent,4\n')
  const said = await inImage(
    [
      'node /skills/pdf/scripts/md2pdf.ts /given/r.md r.pdf',
      'head -c 5 r.pdf && echo',
      'node /skills/calendar/scripts/ics.ts make a.ics --title Dentist --start "2026-11-24 14:30" --zone Europe/Zurich',
      'node /skills/calendar/scripts/ics.ts list a.ics --from 2026-11-24 --days 1',
      'node /skills/spreadsheet/scripts/sheet.ts convert /given/a.csv a.xlsx',
      'node /skills/spreadsheet/scripts/sheet.ts sum a.xlsx --by what --of amount',
      'echo "<p>one</p>" | node /skills/research/scripts/page-text.ts -',
      'node /skills/home-http/scripts/home.ts --hub http://127.0.0.1:1 list || true',
      'node /skills/browser/scripts/browser.ts https://example.com || true',
      // What an agent writes itself finds the same libraries, wherever it lies.
      `echo "import { marked } from 'marked'; console.log(typeof marked.lexer)" > own.mjs && node own.mjs`,
    ].join(' && '),
  )
  expect(said.trim().split('\n')).toEqual([
    expect.stringMatching(/^r\.pdf: 1 pages, \d+ bytes$/),
    '%PDF-',
    'Tue 2026-11-24 14:30-15:30  Dentist',
    'Tue 2026-11-24 13:30-14:30  Dentist',
    'a.xlsx: 2 rows, 2 columns',
    'rent: 4',
    'food: 3',
    'in all: 7 from 2 rows; 0 left out without a number',
    'one',
    expect.stringContaining('cannot be reached'),
    expect.stringContaining('no browser; its owner sets "image": {"browser": true}'),
    'function',
  ])
})
