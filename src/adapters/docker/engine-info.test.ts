import { expect, test } from 'vitest'
import { EngineUnavailableError } from '../../domain/errors.ts'
import { judgeEngine } from './engine-info.ts'

const version = { Version: '20.10.24', ApiVersion: '1.41' }
const good = {
  OSType: 'linux',
  OperatingSystem: 'Debian GNU/Linux 12',
  MemoryLimit: true,
  SwapLimit: true,
  PidsLimit: true,
  CpuCfsQuota: true,
  CgroupDriver: 'systemd',
  SecurityOptions: ['name=seccomp,profile=default'],
  Runtimes: { runc: {} },
}

test('a sound engine has no warnings', () => {
  expect(judgeEngine(version, good, undefined)).toEqual({
    version: '20.10.24',
    apiVersion: '1.41',
    warnings: [],
  })
})

test.each([
  [{ SecurityOptions: [] }, /no seccomp/],
  [{ SecurityOptions: null }, /no seccomp/],
  [{ SecurityOptions: ['name=seccomp,profile=unconfined'] }, /seccomp is switched off/],
  [{ SecurityOptions: [...good.SecurityOptions, 'name=rootless'] }, /shifts user ids/],
  [{ CgroupDriver: 'none', MemoryLimit: false }, /limits are accepted and ignored/],
  [{ MemoryLimit: false, SwapLimit: false }, /cannot limit memory/],
  [{ SwapLimit: false }, /cannot limit swap/],
  [{ PidsLimit: false }, /cannot limit processes/],
  [{ CpuCfsQuota: false }, /cannot limit cpu time/],
  [{ OperatingSystem: 'Docker Desktop' }, /unix sockets do not cross mounts/],
])('%j is told in one warning', (facts, expected) => {
  const { warnings } = judgeEngine(version, { ...good, ...facts }, undefined)
  expect(warnings).toEqual([expect.stringMatching(expected)])
})

test('gVisor is told: its file locks are its own', () => {
  const { warnings } = judgeEngine(version, { ...good, Runtimes: { runc: {}, runsc: {} } }, 'runsc')
  expect(warnings).toEqual([expect.stringContaining('file locks are not shared')])
})

test('an old engine, one for Windows and one without the runtime are refused', () => {
  const old = { Version: '18.09', ApiVersion: '1.9' }
  expect(() => judgeEngine(old, good, undefined)).toThrow(EngineUnavailableError)
  expect(() => judgeEngine(version, { ...good, OSType: 'windows' }, undefined)).toThrow('expected linux')
  expect(() => judgeEngine(version, good, 'runsc')).toThrow('engine.runtime: expected one of runc, got runsc')
  expect(judgeEngine({ Version: '29', ApiVersion: '1.100' }, good, undefined).apiVersion).toBe('1.100')
})
