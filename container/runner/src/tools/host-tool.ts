import type * as z from 'zod'
import { HOST_CALL_MS } from '../host-calls.ts'
import { defineTool, type Tool, ToolRefusal } from './tool.ts'
import { type CallResult, MAX_CALLS } from './tool-desk.ts'

/** A tool that the host carries out, under the name of the tool, with what the schema made of the arguments. */
export function hostTool<Args extends z.ZodType>(tool: {
  readonly name: string
  readonly description: string
  readonly args: Args
  readonly example: string
  readonly readOnly: boolean
}): Tool {
  return defineTool({
    ...tool,
    run: async (args, { open }) => hostAnswer(tool.name, await open.call(tool.name, args)),
  })
}

/** What the model is told of a call; throws ToolRefusal where the host refused it or nothing is known of it. */
export function hostAnswer(name: string, result: CallResult): string {
  switch (result.kind) {
    case 'answered':
      if (result.ok) return result.text
      throw new ToolRefusal(result.text)
    case 'silent':
      throw new ToolRefusal(
        `${name}: Creel did not answer within ${HOST_CALL_MS / 1000} seconds; it may still be done. Look before you do it again, and say so in your answer.`,
      )
    case 'failed':
      throw new ToolRefusal(
        `${name}: not done: it could not be written down (the disk may be full). Say so in your answer.`,
      )
    case 'over':
      throw new ToolRefusal(`${name}: not done: the turn is over or was stopped. Do nothing more.`)
    case 'too-many':
      throw new ToolRefusal(
        `${name}: not done: a turn may make ${MAX_CALLS} such calls. Go on with what you have.`,
      )
    case 'too-large':
      throw new ToolRefusal(`${name}: not done: the arguments are too long. Say it in fewer words.`)
  }
}
