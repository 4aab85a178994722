import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  clearStaged,
  type Exchange,
  exchangeContents,
  exchangeFor,
  finishExchange,
  hasContents,
} from './exchange.ts'

let root: string
let journal: string
let exchanges: Exchange[]

const fill = (folder: string, ...names: string[]) => {
  mkdirSync(folder, { recursive: true })
  for (const name of names) writeFileSync(join(folder, name), name)
}
const namesIn = (folder: string) => readdirSync(folder).sort()

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'creel-exchange-'))
  fill(join(root, 'data'), 'a', 'b', 'instance.lock')
  fill(join(root, 'groups'), 'c')
  journal = join(root, 'data', 'restore.json')
  exchanges = [exchangeFor(join(root, 'data'), 7), exchangeFor(join(root, 'groups'), 7)]
  fill(exchanges[0]?.fresh ?? '', 'a', 'new')
  fill(exchanges[1]?.fresh ?? '', 'd', 'e')
})
afterEach(() => rmSync(root, { recursive: true }))

function expectExchanged(): void {
  expect(namesIn(join(root, 'data'))).toEqual(['a', 'instance.lock', 'new'])
  expect(namesIn(join(root, 'groups'))).toEqual(['d', 'e'])
  expect(exchanges.map(({ aside }) => namesIn(aside))).toEqual([['a', 'b'], ['c']])
  expect(namesIn(root)).toEqual(['data', 'data.before-restore-7', 'groups', 'groups.before-restore-7'])
}

it('takes the place of what was there, which is kept, and leaves the folders themselves', () => {
  exchangeContents(journal, exchanges)
  expectExchanged()
  expect(finishExchange(journal)).toBe(false)
})

describe('killed between two renames', () => {
  it.each([0, 1, 2, 3])('while %i old names had been put aside: it is finished', (moved) => {
    writeFileSync(journal, JSON.stringify({ step: 'aside', exchanges }))
    const old = exchanges.flatMap(({ folder, aside }) =>
      namesIn(folder)
        .filter((name) => !/lock|json/.test(name))
        .map((name) => ({ aside, name, from: join(folder, name) })),
    )
    for (const { aside, name, from } of old.slice(0, moved)) {
      mkdirSync(aside, { recursive: true })
      renameSync(from, join(aside, name))
    }
    expect(finishExchange(journal)).toBe(true)
    expectExchanged()
  })

  it.each([0, 1, 2, 3, 4])('while %i new names had been put in: it is finished', (moved) => {
    for (const { folder, aside } of exchanges)
      for (const name of namesIn(folder).filter((one) => one !== 'instance.lock')) {
        mkdirSync(aside, { recursive: true })
        renameSync(join(folder, name), join(aside, name))
      }
    writeFileSync(journal, JSON.stringify({ step: 'in', exchanges }))
    const fresh = exchanges.flatMap((one) => namesIn(one.fresh).map((name) => ({ ...one, name })))
    for (const one of fresh.slice(0, moved)) renameSync(join(one.fresh, one.name), join(one.folder, one.name))
    expect(finishExchange(journal)).toBe(true)
    expectExchanged()
  })

  it('before anything was changed: what it had unpacked is taken away', () => {
    clearStaged(exchanges.map(({ folder }) => folder))
    expect(namesIn(root)).toEqual(['data', 'groups'])
    expect(namesIn(join(root, 'data'))).toEqual(['a', 'b', 'instance.lock'])
  })
})

it('what it leaves behind is no content', () => {
  const folder = join(root, 'other')
  expect(hasContents(folder)).toBe(false)
  fill(folder, 'instance.lock')
  fill(join(folder, '.before-restore-7'), 'x')
  expect(hasContents(folder)).toBe(false)
  fill(folder, 'mine')
  expect(hasContents(folder)).toBe(true)
})
