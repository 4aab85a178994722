import { describe, expect, test } from 'vitest'
import { PACKAGE_MANAGERS, readPackage } from './packages.ts'

describe('the name of a package', () => {
  test.each([
    ['apt', 'g++', 'g++', undefined],
    ['apt', 'libstdc++6=12.2.0-14+deb12u1', 'libstdc++6', '12.2.0-14+deb12u1'],
    ['apt', ' python3.11 ', 'python3.11', undefined],
    ['apt', 'bc=1:1.07~rc1', 'bc', '1:1.07~rc1'],
    ['apt', 'bc=1', 'bc', '1'],
    ['apt', 'bc=1.07-3~', 'bc', '1.07-3~'],
    ['npm', '@types/node@24.1.0', '@types/node', '24.1.0'],
    ['npm', 'left-pad@1', 'left-pad', '1'],
    ['npm', 'socket.io@4.0.0-alpha.1', 'socket.io', '4.0.0-alpha.1'],
    ['pip', 'Ruamel_Yaml==0.18.6', 'ruamel-yaml', '0.18.6'],
    ['pip', 'zope.interface', 'zope-interface', undefined],
    ['pip', 'x==1.0rc1.post2', 'x', '1.0rc1.post2'],
  ] as const)('of %s: %j', (manager, text, name, version) => {
    expect(readPackage(manager, text)).toMatchObject({ name, version })
  })

  const NEVER = [
    ...[
      '',
      ' ',
      '-',
      '--',
      '-y',
      '--option',
      '-o=Dir::Etc=/x',
      'a b',
      'a\tb',
      'a\nb',
      'a\0b',
      'a;b',
      'a|b',
      'a&b',
      '$(a)',
      '`a`',
    ],
    ...[
      '../x',
      './x',
      '/etc/passwd',
      '~/x',
      'a/b/c',
      '.',
      '..',
      'file:x',
      'git+ssh://x/y',
      'http://x.example',
      'x@http://y',
    ],
    ...[
      "a'b",
      'a"b',
      'a\\b',
      '{a,b}',
      'a*',
      'a?',
      '[a]',
      '?name(x)',
      '~nx',
      '^a$',
      'a^',
      'a%b',
      'a#b',
      'a!b',
      'a,b',
      'a(b)',
    ],
    ...[
      'x.tgz',
      'x.tar.gz',
      'x.deb',
      'x.whl',
      'x.zip',
      'x@1.0.0-a.tgz',
      'e\u0301',
      'раypal',
      'a\u202eb',
      'a'.repeat(300),
    ],
  ]
  test.each(PACKAGE_MANAGERS)(
    'of %s is never an option, a path, an address, a pattern or a command',
    (manager) => {
      for (const text of NEVER) expect(typeof readPackage(manager, text), JSON.stringify(text)).toBe('string')
    },
  )

  test.each([
    ['apt', 'tree-'],
    ['apt', 'git=1:2.39-'],
    ['apt', 'git=1:2.39+'],
    ['apt', 'git=1-'],
    ['apt', 'git=1.'],
    ['apt', 'tree/stable'],
    ['apt', 'tree:i386'],
    ['apt', 'Tree'],
    ['apt', 'tree==1'],
    ['npm', 'a@latest'],
    ['npm', 'a@^1'],
    ['npm', 'a@npm:b'],
    ['npm', 'evil/repo'],
    ['npm', '@scope'],
    ['npm', '_a'],
    ['pip', 'a[extra]'],
    ['pip', 'a>=1'],
    ['pip', 'a==1.*'],
    ['pip', 'a==1;python_version>"3"'],
    ['pip', 'a @ https://x.example/a'],
  ] as const)('of %s is not %j', (manager, text) => {
    expect(readPackage(manager, text)).toContain(`expected the bare name of a`)
  })

  test('comes out as it is read again, whatever it is', () => {
    for (const manager of PACKAGE_MANAGERS)
      for (const text of ['abc', 'a.b', 'A_b', 'a--b', 'x1', '0ad']) {
        const once = readPackage(manager, text)
        if (typeof once !== 'string') expect(readPackage(manager, once.text)).toEqual(once)
      }
  })
})
