import { describe, expect, test } from 'vitest'
import { readSkillHead } from './skill-file.ts'

const file = (yaml: string, body = 'Do it.') => `---\n${yaml}\n---\n${body}\n`
const BOMB = ['a: &a [x, x, x, x, x, x, x, x, x]']
  .concat(
    ['b', 'c', 'd', 'e', 'f', 'g'].map((key, i) => `${key}: &${key} [${`*${'abcdef'[i]}, `.repeat(9)}]`),
  )
  .join('\n')

describe('the head of a SKILL.md', () => {
  test('is name and description, whatever else it holds', async () => {
    const yaml =
      'name: daily-briefing\ndescription: >-\n  Says what is\n  on today.\nlicense: MIT\nmetadata: { a: 1 }'
    const head = { name: 'daily-briefing', description: 'Says what is on today.' }
    expect(await readSkillHead(file(yaml))).toMatchObject(head)
    expect(await readSkillHead(`\uFEFF${file(yaml).replaceAll('\n', '\r\n')}`)).toMatchObject(head)
    expect(await readSkillHead('---\nname: a\ndescription: b\n---')).toMatchObject({
      name: 'a',
      description: 'b',
    })
  })

  test('says what it needs of the image, in the part of metadata that is ours', async () => {
    const head = (metadata: string) => readSkillHead(file(`name: a\ndescription: b\nmetadata: ${metadata}`))
    expect(await head('{ creel-image: browser, author: x }')).toEqual({
      name: 'a',
      description: 'b',
      image: 'browser',
    })
    for (const other of ['text', '[creel-image]', '{ author: x }', '{ __proto__: { creel-image: browser } }'])
      expect(await head(other)).toEqual({ name: 'a', description: 'b' })
    expect(await head('{ creel-image: gpu }')).toEqual({
      problem: 'SKILL.md: metadata: creel-image: expected browser',
    })
  })

  test('takes a tag that asks for more than text for text', async () => {
    expect(await readSkillHead(file('name: !!js/function "x"\ndescription: b'))).toMatchObject({ name: 'x' })
  })

  test.each([
    ['no frontmatter at all', '# Just text', 'expected to begin with ---'],
    ['an empty file', '', 'expected to begin with ---'],
    ['an open end', '---\nname: a\ndescription: b\n', 'expected to begin with ---'],
    ['no YAML', file('name: [\ndescription: b'), 'not valid YAML'],
    ['a key twice', file('name: a\nname: b\ndescription: c'), 'not valid YAML'],
    ['a list', file('- name\n- description'), 'not valid YAML'],
    ['no name', file('description: b'), 'name: '],
    ['a name that leads elsewhere', file('name: ../../etc\ndescription: b'), 'name: expected a-z'],
    ['a name that is a number', file('name: 12\ndescription: b'), 'name: '],
    ['a name that is too long', file(`name: ${'a'.repeat(65)}\ndescription: b`), 'name: expected a-z'],
    ['no description', file('name: a'), 'description: '],
    ['an empty description', file('name: a\ndescription: " "'), 'description: must not be empty'],
    ['a description that is a book', file(`name: a\ndescription: ${'b'.repeat(1_025)}`), 'at most 1024'],
    [
      'a book of a frontmatter',
      file(`name: a\ndescription: b\nc: ${'c'.repeat(9_000)}`),
      'at most 8192 bytes',
    ],
    ['aliases that unfold to millions', file(`name: a\ndescription: b\n${BOMB}`), 'not valid YAML'],
    ['a prototype', file('__proto__: { name: a, description: b }'), 'name: '],
  ])('is refused in words for %s', async (_what, text, problem) => {
    const from = performance.now()
    expect(await readSkillHead(text)).toEqual({ problem: expect.stringContaining(problem) })
    expect(performance.now() - from).toBeLessThan(5_000)
  })
})
