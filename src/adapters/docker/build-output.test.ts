import { expect, test } from 'vitest'
import { BuildOutput } from './build-output.ts'

function read(chunks: readonly string[]): { lines: string[]; output: BuildOutput } {
  const lines: string[] = []
  const output = new BuildOutput((line) => lines.push(line))
  for (const chunk of chunks) output.write(chunk)
  output.end()
  return { lines, output }
}

test('hands on whole lines, however events and lines are cut', () => {
  const text = ['Step 1/2 : FROM x\n', 'par', 'tial\n', '\n', 'last'].map((stream) =>
    JSON.stringify({ stream }),
  )
  const { lines, output } = read([...text.join('\r\n')])
  expect(lines).toEqual(['Step 1/2 : FROM x', 'partial', 'last'])
  expect(output.error).toBeUndefined()
})

test('keeps the error and a bounded tail', () => {
  const steps = Array.from({ length: 100 }, (_, n) => `${JSON.stringify({ stream: `line ${n}\n` })}\n`)
  const { output } = read([
    ...steps,
    '{"aux":{"ID":"x"}}\n',
    '{"error":"it broke","errorDetail":{"code":1}}\n',
  ])
  expect(output.error).toBe('it broke')
  expect(output.tail).toHaveLength(40)
  expect(output.tail.at(-1)).toBe('line 99')
})
