import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

const README = resolve(import.meta.dirname, '../../README.md')
const BLOCK = /(<!-- creel setup, as a terminal shows it -->\n```\n)([\s\S]*?)(```\n<!-- end -->)/

/** What README shows of a set-up: from the first choice to the last hop, without boxes and this machine's folders. */
export function captureOf(history: string): string {
  const lines = history.split('\n').map((line) => line.trimEnd())
  const from = lines.findIndex((line) => line.startsWith('◇  What thinks'))
  const to = lines.findLastIndex((line) => line.startsWith('delivered'))
  if (from < 0 || to < from) throw new Error(`this is no whole set-up:\n${history}`)
  let isInBox = false
  const shown = lines.slice(from, to + 1).filter((line) => {
    if (/^◇ .*╮$/.test(line)) isInBox = true
    const isBox = isInBox
    if (line.endsWith('╯')) isInBox = false
    return !isBox && line !== '│' && !line.startsWith('made the agent ')
  })
  return `${shown.join('\n')}\n`
}

/** The same without what differs from one run to the next: times, codes, and columns that follow them. */
export function shapeOf(capture: string): string {
  return capture
    .replace(/\b[0-9A-Z]{4}-?[0-9A-Z]{4}\b/g, 'CODE')
    .replace(/\d+/g, '0')
    .replace(/▪+/g, '▪')
    .replace(/ +/g, ' ')
}

export function captureInReadme(): string {
  return BLOCK.exec(readFileSync(README, 'utf8'))?.[2] ?? ''
}

export function writeToReadme(capture: string): void {
  const text = readFileSync(README, 'utf8')
  writeFileSync(
    README,
    text.replace(BLOCK, (_, head: string, __, tail: string) => head + capture + tail),
  )
}
