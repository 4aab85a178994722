import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const SECOND = 1000
const NEVER = ['**/node_modules/**', '**/.creel/**', 'data/**', 'groups/**']
const WITH_REAL_PARTS = ['docker', 'telegram', 'web', 'compose', 'setup', 'hostile', 'providers', 'chaos']

/**
 * Suites that drive a real engine, a browser or an emulator: one file at a time, for two cores are not enough for
 * more, and long limits, for a cold image costs seconds and no test may fail because a machine is slow.
 */
function withRealParts(name: string) {
  return {
    extends: true as const,
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      exclude: NEVER,
      fileParallelism: false,
      testTimeout: 180 * SECOND,
      hookTimeout: 600 * SECOND,
    },
  }
}

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    teardownTimeout: 20 * SECOND,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          // No module here keeps state (test/architecture), so files can share a process: a quarter of the time less.
          isolate: false,
          // The usual is one less than there are cores, which is one process on a small machine.
          maxWorkers: '100%',
          // Programs that tests start are compiled once.
          env: { NODE_COMPILE_CACHE: join(import.meta.dirname, '.creel', 'compile-cache') },
          include: ['{src,container,setup,test}/**/*.test.ts'],
          exclude: [...NEVER, ...WITH_REAL_PARTS.map((suite) => `test/${suite}/**`)],
          testTimeout: 30 * SECOND,
          hookTimeout: 30 * SECOND,
        },
      },
      ...WITH_REAL_PARTS.map(withRealParts),
    ],
  },
})
