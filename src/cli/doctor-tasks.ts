import { z } from 'zod'
import type { Install } from '../config/load.ts'
import { type Finding, ok } from './finding.ts'
import { runCommand } from './session.ts'

const Line = z.object({ id: z.number(), group: z.string(), name: z.string(), next: z.string() })
const Health = z.object({ open: z.number(), overdue: z.array(Line), failed: z.array(Line) })

/** Tasks that should have begun and have not, and those that cannot run any more. */
export async function checkTasks(install: Install): Promise<Finding[]> {
  const { open, overdue, failed } = Health.parse(await runCommand(install, 'task-health'))
  const bad = (lines: readonly z.infer<typeof Line>[], what: string, hint: (id: number) => string) =>
    lines.map(
      ({ id, group, name, next }): Finding => ({
        check: `tasks of ${group}`,
        level: 'warning',
        text: `task ${id} (${name}) ${what}: ${next}`,
        hint: hint(id),
      }),
    )
  return [
    ok('tasks', open === 1 ? '1 that will run' : `${open} that will run`),
    ...bad(overdue, 'should have begun', () => './creel up, when no host runs; else ./creel logs'),
    ...bad(
      failed,
      'does not run any more',
      (id) => `mend it and creel tasks resume ${id}, or creel tasks cancel ${id}`,
    ),
  ]
}
