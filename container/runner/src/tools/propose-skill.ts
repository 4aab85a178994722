import { isAbsolute, relative } from 'node:path'
import { SANDBOX_PATHS } from '@creel/protocol'
import * as z from 'zod'
import { askResult } from './ask-result.ts'
import { hostAnswer } from './host-tool.ts'
import { defineTool, ToolRefusal } from './tool.ts'

const NAME = 'propose_skill'
/** What the host answers: the copy that it made. */
const Copied = z.object({ name: z.string(), sha256: z.string() })

export const proposeSkill = defineTool({
  name: NAME,
  description: [
    'Asks the owner to let you have a skill of your own: a folder that you wrote in your workspace, with a SKILL.md whose',
    'head has "name:" (that of the folder) and "description:" (when to use it), and whatever programs and texts it needs.',
    'It is copied now, and they see that copy whole: write it for them to read, without secrets and without what is for one day only.',
    'It returns at once; the decision comes later, as a message of Creel, and with it you have the skill.',
  ].join(' '),
  args: z.strictObject({
    path: z.string().trim().min(1).max(500).describe(`The folder, below ${SANDBOX_PATHS.workspace}.`),
    reason: z
      .string()
      .trim()
      .min(1)
      .max(300)
      .describe('One plain sentence that the owner reads: what it is good for.'),
  }),
  example: '{"path": "skills/tides", "reason": "You ask for tides every week; this is how I look them up."}',
  readOnly: false,
  run: async ({ path, reason }, { open }) => {
    const below = (isAbsolute(path) ? relative(SANDBOX_PATHS.workspace, path) : path)
      .replace(/^(?:\.\/)+/, '')
      .replace(/\/+$/, '')
    if (below === '' || below.startsWith('..'))
      throw new ToolRefusal(`Not asked: ${path} is no folder below ${SANDBOX_PATHS.workspace}.`)
    const answer = hostAnswer(NAME, await open.call(NAME, { path: below }))
    const { name, sha256 } = Copied.parse(JSON.parse(answer))
    const result = await open.ask({ kind: 'skill', sha256, reason })
    return askResult(result, `The owner is asked for the skill ${name}, as the folder is now.`)
  },
})
