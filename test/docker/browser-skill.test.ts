// The skill "browser" as an agent uses it: in a real sandbox whose image has Chromium, through the gateway.
import { inflateSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ALLOWED_HOST, ClientsWorld, DENIED_HOST } from '../rig/clients-world.ts'
import { whyNoEngine } from './test-image.ts'

const missing = await whyNoEngine()
if (missing) console.error(`skipped: ${missing}`)

const BROWSER = 'node /skills/browser/scripts/browser.ts'
const GREEN = [10, 200, 30]

/** Says nothing without a script, and takes a picture from a host that no rule names. */
const timetable = (port: number) => `<title>Timetable</title>
<style>body { margin: 0; background: rgb(${GREEN}) }</style>
<h1 id="words"></h1>
<form action="/sent"><label>From <input name="from"></label><button>Search</button></form>
<a href="https://${ALLOWED_HOST}/later">Later</a>
<img src="https://${DENIED_HOST}:${port}/pixel.png">
<script>
  localStorage.visits = Number(localStorage.visits ?? 0) + 1
  words.textContent = 'made by a script, visit ' + localStorage.visits
</script>`

describe.skipIf(missing)('the skill browser', () => {
  let world: ClientsWorld

  beforeAll(async () => {
    world = await ClientsWorld.make()
    world.server.pages.set('/timetable', timetable(world.server.port))
    world.server.pages.set('/sent', '<title>Results</title><p>three trains')
  })
  afterAll(() => world[Symbol.asyncDispose]())

  const visit = (steps: string) => world.run(`${BROWSER} ${world.url(ALLOWED_HOST, '/timetable')} ${steps}`)

  it('shows what scripts made, names the parts of a page, fills in and clicks, and says what a page lacks', async () => {
    const said = await visit('--look --text --fill From=Bern --click Search --text')
    expect(said).toMatch(/^exit 0\n/)
    expect(said).toContain(`# Timetable <${world.url(ALLOWED_HOST, '/timetable')}>`)
    expect(said).toContain('- heading "made by a script, visit 1"')
    expect(said).toContain('- textbox "From"')
    expect(said).toContain(`# Results <${world.url(ALLOWED_HOST, '/sent?from=Bern')}>`)
    expect(said).toContain('three trains')
    expect(said).toContain(`browser: ${DENIED_HOST}:${world.server.port} was refused`)
  })

  it('takes a picture and makes a PDF', async () => {
    const said = await visit('--screenshot shots/a.png --whole --pdf shots/a.pdf')
    expect(said).toMatch(/^exit 0\n/)
    const png = world.file('shots/a.png')
    expect([png.subarray(1, 4).toString(), png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([
      'PNG',
      1280,
      800,
    ])
    expect(firstPixel(png)).toEqual(GREEN)
    const pdf = world.file('shots/a.pdf').toString('latin1')
    expect(pdf.startsWith('%PDF-')).toBe(true)
    expect(pdf).toContain('/Title (Timetable)')
    expect(pdf).toContain(`/URI (https://${ALLOWED_HOST}/later)`)
  })

  it('forgets what a page stored, unless it is to be kept under a name', async () => {
    for (const visits of [1, 2]) expect(await visit('--keep trains')).toContain(`visit ${visits}`)
  })

  it('says who refused a host that no rule names, and what there is when a name is not', async () => {
    const denied = await world.run(`${BROWSER} ${world.url(DENIED_HOST, '/')}`)
    expect(denied).toMatch(/^exit 1\n/)
    expect(denied).toContain(`403 Creel denied ${DENIED_HOST}, ask with request_egress`)
    const lost = await visit('--text --click Nowhere')
    expect(lost).toMatch(/^exit 1\n/)
    expect(lost).toContain('visit 1')
    expect(lost).toContain('step 2, --click Nowhere: there is textbox "From", button "Search", link "Later"')
  })
})

/** Of a PNG as browsers write it: nothing stands left of it or above, so no filter changes it. */
function firstPixel(png: Buffer): number[] {
  const data: Buffer[] = []
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12)
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)))
  return [...inflateSync(Buffer.concat(data)).subarray(1, 4)]
}
