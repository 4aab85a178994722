// T10: what an agent with a shell could climb out by. Every script here runs under the real spec.
import { chmod, chown, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engineClient } from '../../src/adapters/docker/engine-client.ts'
import type { GroupName } from '../../src/domain/ids.ts'
import { ENGINE_SOCKET, whyNoEngine } from '../docker/test-image.ts'
import { TestInstall } from '../docker/test-sandbox.ts'

const missing = await whyNoEngine()
if (missing) console.error(`skipped: ${missing}`)

/**
 * Tries each line in a shell of its own; prints `ok LINE` for those that succeed. The first is the control: were it
 * missing from the output, a test that expects nothing else would prove nothing.
 */
const CONTROL = 'true # control'
const tryAll = (lines: readonly string[]) => `{ while read -r line; do
    (eval "$line") </dev/null >/dev/null 2>&1 && echo "ok $line"
  done; } <<'END'\n${[CONTROL, ...lines].join('\n')}\nEND\n`

describe.skipIf(missing)('a hostile agent in its sandbox', () => {
  let install: TestInstall
  beforeAll(async () => {
    install = await TestInstall.make()
  })
  afterAll(() => install[Symbol.asyncDispose]())

  test('is an unprivileged user for good', async () => {
    const status = await install.run('garden', 'cat /proc/self/status; hostname')
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
      expect(status).toMatch(new RegExp(`^${set}:\\t0{16}$`, 'm'))
    }
    expect(status).toMatch(/^NoNewPrivs:\t1$/m)
    expect(status).toMatch(/^Seccomp:\t2$/m)
    expect(status).toMatch(/^Uid:\t10001\t10001\t10001\t10001$/m)
    expect(status).toMatch(/^Gid:\t10001\t10001\t10001\t10001$/m)
    expect(status).toMatch(/^Groups:\t(10001)? ?$/m)
    expect(status).toMatch(/^sandbox$/m)
  })

  test('can write to its own folders, the outbox folder and /tmp, and nowhere else', async () => {
    const output = await install.run(
      'garden',
      `find / -path /proc -prune -o -type d -writable -print 2>/dev/null | sort; echo --
       find / -path /proc -prune -o -type f -writable -print 2>/dev/null | grep -v ^/sys/; echo --
       find / -path /proc -prune -o -type b -print 2>/dev/null`,
    )
    const [folders, files, devices] = output.split('--\n')
    // The message queues are those of the sandbox's own ipc namespace.
    expect(folders?.trim().split('\n')).toEqual([
      '/dev/mqueue',
      '/home/agent',
      '/mail/out',
      '/memory',
      '/tmp',
      '/workspace',
    ])
    expect(files).toBe('/mail/out/outbox.db\n')
    expect(devices).toBe('')
  })

  test('has the mounts of the spec, private, and none else from the host', async () => {
    const output = await install.run('garden', 'cat /proc/self/mountinfo')
    const mounts = output.split('\n').filter((line) => line !== '')
    expect(
      mounts.filter((line) => /(shared|master|propagate_from):/.test(line) && line.split(' ')[4] !== '/'),
    ).toEqual([])
    const options = new Map(mounts.map((line) => [line.split(' ')[4], line.split(' ')[5]?.split(',')[0]]))
    const expected = {
      '/': 'ro',
      '/mail/in': 'ro',
      '/run/creel': 'ro',
      '/mail/out': 'rw',
      '/home/agent': 'rw',
      '/workspace': 'rw',
      '/memory': 'rw',
      '/skills': 'ro',
    }
    for (const [target, mode] of Object.entries(expected))
      expect([target, options.get(target)]).toEqual([target, mode])
    const root = install.paths.dataDir.replace('/data', '')
    const ours = mounts.filter((line) => line.split(' ')[3]?.includes(root))
    expect(ours).toHaveLength(7)
  })

  test('cannot change the inbox, nor remove, rename or replace the outbox', async () => {
    const outbox = install.paths.outbox('garden' as GroupName)
    const handle = await install.start(
      'garden',
      tryAll([
        'echo x >>/mail/in/inbox.db',
        'rm -f /mail/in/inbox.db',
        'touch /mail/in/new',
        'touch /run/creel/new',
        'rm -f /mail/out/outbox.db',
        'mv /mail/out/outbox.db /mail/out/old',
        'ln -sf /etc/passwd /mail/out/outbox.db',
        'touch /mail/out/mine && mv -f /mail/out/mine /mail/out/outbox.db',
        'ln /mail/out/outbox.db /mail/out/twin',
        'chmod 600 /mail/out/outbox.db',
        'chmod 777 /mail/out',
        'mv /mail/out /mail/elsewhere',
        'echo row >>/mail/out/outbox.db',
      ]),
    )
    const before = await stat(outbox)
    await install.engine.wait(handle, AbortSignal.timeout(60_000))
    const after = await stat(outbox)
    expect(await install.engine.logs(handle, 50)).toBe(
      `ok ${CONTROL}\nok ln /mail/out/outbox.db /mail/out/twin\nok echo row >>/mail/out/outbox.db\n`,
    )
    expect({ inode: after.ino, uid: after.uid, mode: after.mode }).toEqual({
      inode: before.ino,
      uid: before.uid,
      mode: before.mode,
    })
  })

  test('cannot turn the knobs of the kernel', async () => {
    const output = await install.run(
      'garden',
      tryAll([
        'echo x >/proc/sys/kernel/core_pattern',
        'echo 1 >/proc/sys/kernel/panic',
        'echo 1 >/proc/sys/net/ipv4/ip_forward',
        'echo b >/proc/sysrq-trigger',
        'echo -1000 >/proc/self/oom_score_adj',
        'echo 1 >/sys/kernel/mm/ksm/run',
        'mkdir /sys/fs/cgroup/memory/x',
        'mkdir /sys/fs/cgroup/x',
        'find /sys/fs/cgroup -name release_agent -writable | grep .',
        'head -c 1 /proc/kcore | grep .',
        'head -c 1 /proc/timer_list | grep .',
        'dmesg | grep .',
        'cat /dev/kmsg',
        'mount -t tmpfs none /tmp',
        'mount --bind / /workspace',
        'mount -o remount,rw /',
        'umount /mail/in',
        'unshare -Ur true',
        'unshare -n true',
        'unshare -m true',
        'nsenter -t 1 -m true',
        'mknod /workspace/sda b 8 0',
        'mknod /workspace/mem c 1 1',
        'chroot /workspace true',
        'chown 0:0 /workspace',
        'hostname other',
        'date -s 2001-01-01',
        'ip link add dummy0 type dummy',
        'renice -n -5 $$',
        'ulimit -c unlimited',
        'ulimit -n 1000000',
        'su -c true',
      ]),
    )
    expect(output).toBe(`ok ${CONTROL}\n`)
  })

  test('finds no engine socket, no shared memory and no other socket of the host', async () => {
    const output = await install.run(
      'garden',
      'find / -path /proc -prune -o -type s -print; ls -d /dev/shm; ls /dev/mqueue',
    )
    expect(output.replaceAll(/^(find|ls):.*\n/gm, '')).toBe('')
  })

  test('gains nothing from a setuid file, and finds none in the image', async () => {
    expect(
      await install.run(
        'garden',
        'find / -xdev -type f -perm /6000 2>/dev/null; cp /usr/bin/id /workspace/id',
      ),
    ).toBe('')
    const file = join(install.paths.workspace('garden' as GroupName), 'id')
    if (process.getuid?.() === 0) await chown(file, 0, 0)
    await chmod(file, 0o6755)
    expect(await install.run('garden', '/workspace/id -u; /workspace/id -g')).toBe('10001\n10001\n')
  })

  test('sees no process but its own, and shares no namespace with another sandbox', async () => {
    const namespaces = 'for ns in pid ipc uts mnt net; do readlink /proc/self/ns/$ns; done'
    const other = await install.start('kitchen', `${namespaces}; sleep 600`)
    const pid = (await engineClient(ENGINE_SOCKET).getContainer(other.id).inspect()).State.Pid
    const mine = await install.run(
      'garden',
      `${namespaces}; cat /proc/[0-9]*/comm 2>/dev/null | grep -c sleep
       ${tryAll([`kill -0 ${pid}`, `test -e /proc/${pid}`, `head -c 1 /proc/${pid}/environ`, 'kill -9 1'])}`,
    )
    const lines = mine.trim().split('\n')
    const theirs = (await install.engine.logs(other, 10)).trim().split('\n')
    expect(theirs).toHaveLength(5)
    expect(lines.slice(0, 5).filter((line) => theirs.includes(line))).toEqual([])
    // The kernel lets PID 1 be signalled from inside and drops what it does not handle; what counts is that it lives.
    expect(lines.slice(5).filter((line) => line !== 'ok kill -9 1')).toEqual(['0', `ok ${CONTROL}`])
    await install.engine.destroy(other, { graceMs: 0 })
  })

  test('leaves no core file', async () => {
    const output = await install.run(
      'garden',
      'cd /workspace; ulimit -c; ulimit -Hc; sh -c "kill -SEGV \\$\\$"; ls /workspace /tmp | grep -i core',
    )
    expect(output.split('\n').filter((line) => /^\d+$/.test(line))).toEqual(['0', '0'])
    expect(output).not.toMatch(/^core/m)
    expect(output).not.toContain('core dumped')
  })
})
