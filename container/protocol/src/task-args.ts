import * as z from 'zod'

// What the tools about tasks take: one schema for the tool that the model sees and for the host that carries it out.

const Id = z.int().positive().describe('Number of the task, as list_tasks gives it.')
const At = z
  .string()
  .min(1)
  .max(60)
  .describe('Once, at this time: 2026-03-29T09:00 on the clock of the time zone, or with an offset or Z.')
const InMinutes = z.number().positive().max(525_600).describe('Once, so many minutes from now.')
const Cron = z
  .string()
  .min(1)
  .max(200)
  .describe(
    'Again and again: five cron fields (minute hour day month weekday), or six with seconds first. "0 9 * * 1-5" is every weekday at nine.',
  )
const EveryMinutes = z
  .number()
  .min(1)
  .max(525_600)
  .describe('Again and again, so many minutes apart from now on.')
const TimeZone = z
  .string()
  .min(1)
  .max(60)
  .describe(
    'IANA name, such as Europe/Berlin, for the times above. Left out, it is the zone of whoever speaks to you, which the answer names; give it when they name another.',
  )
const Missed = z
  .enum(['run_once', 'skip', 'all'])
  .describe(
    'For times when Creel is not running: one run afterwards for all of them (usual), none, or each of them.',
  )
const JitterS = z
  .int()
  .min(0)
  .max(3_600)
  .describe('Begin up to so many seconds later, each time another number.')
const ScriptS = z.int().min(1).max(60).describe('The script is ended after so many seconds; 30 unless given.')
const Name = z.string().trim().min(1).max(80).describe('A few words that people recognise it by.')
const Prompt = z
  .string()
  .trim()
  .min(1)
  .max(8_000)
  .describe('What you are to do each time, written so that you understand it without this conversation.')
const Script = z
  .string()
  .max(8_000)
  .describe(
    'Shell script that runs in your workspace first. Printing {"wakeAgent": false} as its last line leaves you asleep; anything else that it prints you are given.',
  )
const DeliverTo = z
  .string()
  .min(1)
  .max(100)
  .describe('Another chat where it runs and answers, by its name in list_destinations; this chat without it.')

export const ScheduleTaskArgs = z.strictObject({
  name: Name,
  prompt: Prompt,
  at: At.optional(),
  in_minutes: InMinutes.optional(),
  cron: Cron.optional(),
  every_minutes: EveryMinutes.optional(),
  timezone: TimeZone.optional(),
  if_missed: Missed.optional(),
  jitter_seconds: JitterS.optional(),
  script: Script.optional(),
  script_timeout_seconds: ScriptS.optional(),
  deliver_to: DeliverTo.optional(),
})

export const UpdateTaskArgs = z.strictObject({
  id: Id,
  ...ScheduleTaskArgs.omit({ deliver_to: true }).partial().shape,
  script: Script.optional().describe('Another script; empty for none.'),
})

export const ListTasksArgs = z.strictObject({
  id: Id.optional().describe('This one alone, whole, with its last runs.'),
  ended: z.boolean().default(false).describe('Also those that will not run again.'),
})

export const OneTaskArgs = z.strictObject({ id: Id })

export type ScheduleTaskArgs = z.infer<typeof ScheduleTaskArgs>
export type UpdateTaskArgs = z.infer<typeof UpdateTaskArgs>
