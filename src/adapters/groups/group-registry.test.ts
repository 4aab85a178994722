import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { ConfigError } from '../../domain/errors.ts'
import type { GroupName } from '../../domain/ids.ts'
import { Paths } from '../../paths.ts'
import { GroupRegistry } from './group-registry.ts'

const GARDEN = 'garden' as GroupName
const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function registry() {
  const folder = mkdtempSync(join(tmpdir(), 'creel-groups-'))
  folders.push(folder)
  const paths = new Paths(join(folder, 'data'), join(folder, 'groups'))
  const write = (name: string, text: string) => {
    mkdirSync(join(paths.groupsDir, name), { recursive: true })
    writeFileSync(join(paths.groupsDir, name, 'container.json'), text)
  }
  return { paths, write, groups: new GroupRegistry(paths) }
}

describe('GroupRegistry', () => {
  test('lists folders that are groups, in order, and nothing else', () => {
    const { paths, write, groups } = registry()
    expect(groups.names()).toEqual([])
    write('zoo', '{}')
    write('ant', 'broken')
    write('Not-A-Name', '{}')
    mkdirSync(join(paths.groupsDir, 'empty'))
    writeFileSync(join(paths.groupsDir, 'file'), '')
    expect(groups.names()).toEqual(['ant', 'zoo'])
  })

  test('gives the instructions, of very long ones a beginning of whole characters and their size', () => {
    const { paths, write, groups } = registry()
    write('garden', '{}')
    expect(groups.instructions(GARDEN)).toEqual({ text: '' })
    const file = join(paths.groupsDir, 'garden', 'AGENTS.md')
    writeFileSync(file, 'You are Ännchen.\n')
    expect(groups.instructions(GARDEN)).toEqual({ text: 'You are Ännchen.\n' })
    writeFileSync(file, `x${'é'.repeat(300_000)}`)
    const { text, ofBytes } = groups.instructions(GARDEN)
    expect(ofBytes).toBe(600_001)
    expect(text).toMatch(/^xé+$/)
    expect(Buffer.byteLength(text)).toBe(256 * 1024 - 1)
  })

  test('refuses a tool server with the name of ours', () => {
    const { write, groups } = registry()
    write('garden', '{"mcpServers": {"lab": {"command": "lab"}, "creel": {"command": "evil"}}}')
    expect(() => groups.load(GARDEN)).toThrow(/mcpServers\.creel: expected a tool server with another name/)
  })

  test('reads a file again only when it changed, and one that is new every time', () => {
    const { paths, write } = registry()
    write('garden', '{"model": "a"}')
    const fresh = new GroupRegistry(paths)
    expect(fresh.load(GARDEN)).not.toBe(fresh.load(GARDEN))
    const later = new GroupRegistry(paths, () => Date.now() + 60_000)
    const first = later.load(GARDEN)
    expect(later.load(GARDEN)).toBe(first)
    expect(() => Object.assign(first.limits, { memory_mb: 1 })).toThrow(TypeError)
    write('garden', '{"model": "bb"}')
    expect(later.load(GARDEN).model).toBe('bb')
    write('garden', 'broken')
    expect(() => later.load(GARDEN)).toThrow(ConfigError)
    write('garden', '{"model": "a"}')
    expect(later.load(GARDEN)).toEqual(first)
  })

  test('reads a file anew each time, with defaults', () => {
    const { write, groups } = registry()
    write('garden', '{"concurrency": 2}')
    expect(groups.load(GARDEN)).toMatchObject({ concurrency: 2, provider: 'demo' })
    write('garden', '{"concurrency": 3}')
    expect(groups.load(GARDEN).concurrency).toBe(3)
  })

  test.each([
    ['{', 'not valid JSON'],
    ['{"concurency": 2}', 'concurency: there is no such key'],
    ['{"concurrency": "two"}', 'concurrency: expected number, got "two"'],
    ['{"limits": {"memory_mb": 1}}', 'limits.memory_mb: expected at least 128, got 1'],
    ['[]', 'the file: expected object, got []'],
    ['{"provider": "gpt"}', 'provider: expected'],
    ['{"egress": "example.com"}', 'egress: expected array, got "example.com"'],
    ['{"egress": ["a.example", "exa mple"]}', 'egress.1: expected a host such as example.com'],
    ['{"egress": ["10.0.0.5"]}', 'egress.0: expected "private": true beside an address'],
    ['{"egress": [{"host": "a.example", "ports": [0]}]}', 'egress.0.ports: expected numbers from 1 to 65535'],
    ['{"egress": [{"host": "a.example", "port": 1}]}', 'there is no key port'],
    ['{"limits": {"egress": {"connections": 0}}}', 'limits.egress.connections: expected at least 1, got 0'],
  ])('%s is refused with file, key, expected and got', (text, expected) => {
    const { paths, write, groups } = registry()
    write('garden', text)
    expect(() => groups.load(GARDEN)).toThrow(expected)
    expect(() => groups.load(GARDEN)).toThrow(paths.groupConfig(GARDEN))
  })

  test('reads what may leave: nothing unless it is named', () => {
    const { write, groups } = registry()
    write('garden', '{}')
    expect(groups.load(GARDEN).egress).toEqual([])
    write('garden', '{"egress": ["*.Example.com:8443", {"host": "http://nas.lan/x", "private": true}]}')
    expect(groups.load(GARDEN).egress).toMatchObject([
      { host: '*.example.com', ports: [8443], private: false },
      { host: 'nas.lan', ports: [80], paths: ['/x'], private: true },
    ])
  })

  test('knows a name that is taken: by an agent, or what is left of one, but not by an add that was killed', () => {
    const { paths, groups } = registry()
    expect(groups.isTaken(GARDEN)).toBe(false)
    mkdirSync(paths.groupDir(GARDEN), { recursive: true })
    expect([groups.isTaken(GARDEN), groups.isTaken(GARDEN, 'words')]).toEqual([true, false])
    const text = join(paths.groupDir(GARDEN), 'AGENTS.md')
    writeFileSync(text, 'words')
    expect([groups.isTaken(GARDEN), groups.isTaken(GARDEN, 'words')]).toEqual([true, false])
    writeFileSync(text, 'other words')
    expect(groups.isTaken(GARDEN, 'words')).toBe(true)
    writeFileSync(text, 'words')
    mkdirSync(paths.memory(GARDEN))
    expect(groups.isTaken(GARDEN, 'words')).toBe(true)
    rmSync(paths.groupDir(GARDEN), { recursive: true })
    symlinkSync('/nowhere', paths.groupDir(GARDEN))
    expect(groups.isTaken(GARDEN, 'words')).toBe(true)
    rmSync(paths.groupDir(GARDEN))
    for (const kept of [paths.home(GARDEN), paths.mailOut(GARDEN)]) {
      mkdirSync(kept, { recursive: true })
      expect([groups.isTaken(GARDEN), groups.isTaken(GARDEN, 'words')]).toEqual([true, true])
      rmSync(dirname(kept), { recursive: true })
    }
    groups.add(GARDEN, {}, 'words')
    expect([groups.isTaken(GARDEN), groups.isTaken(GARDEN, 'words')]).toEqual([true, true])
  })

  test('adds a group once, and removes it by moving it aside', () => {
    const { paths, groups } = registry()
    groups.add(GARDEN, { provider: 'demo' })
    expect(groups.load(GARDEN).provider).toBe('demo')
    expect(readFileSync(join(paths.groupDir(GARDEN), 'AGENTS.md'), 'utf8')).not.toBe('')
    expect(() => groups.add(GARDEN, {})).toThrow(expect.objectContaining({ code: 'conflict' }))
    const kept = join(paths.home(GARDEN), 'conversations')
    mkdirSync(paths.home(GARDEN), { recursive: true })
    writeFileSync(kept, 'what was said')
    const first = groups.remove(GARDEN)
    expect([existsSync(join(first, 'AGENTS.md')), groups.exists(GARDEN)]).toEqual([true, false])
    groups.add(GARDEN, {})
    expect(existsSync(kept)).toBe(false)
    mkdirSync(paths.home(GARDEN), { recursive: true })
    writeFileSync(kept, 'what was said later')
    expect(groups.remove(GARDEN)).not.toBe(first)
    const aside = join(dirname(dirname(paths.home(GARDEN))), '.removed')
    expect(
      readdirSync(aside).map((one) => readFileSync(join(aside, one, 'home', 'conversations'), 'utf8')),
    ).toEqual(['what was said', 'what was said later'])
    expect(() => groups.remove(GARDEN)).toThrow(expect.objectContaining({ code: 'not_found' }))
  })
})
