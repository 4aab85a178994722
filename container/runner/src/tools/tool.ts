import * as z from 'zod'
import type { MemoryFiles } from '../memory/memory-files.ts'
import type { OpenTurn, ToolDesk } from './tool-desk.ts'

/** The folders that are the agent's own. */
export interface ToolFolders {
  readonly workspace: string
  readonly memory: string
  readonly home: string
  readonly temporary: string
}

/** What a tool works with. */
export interface ToolCall {
  /** The turn that it was called in. */
  readonly open: OpenTurn
  readonly desk: ToolDesk
  readonly folders: ToolFolders
  readonly memory: MemoryFiles
}

/** A tool as a runtime sees it. */
export interface Tool {
  readonly name: string
  readonly description: string
  /** JSON schema of its arguments. */
  readonly schema: Readonly<Record<string, unknown>>
  readonly readOnly: boolean
  /** What the model is told. Throws ToolRefusal for what the model can mend. */
  readonly run: (args: unknown, call: ToolCall) => Promise<string>
}

/** What was asked for cannot be done; the message tells the model what to do about it. */
export class ToolRefusal extends Error {
  override name = 'ToolRefusal'
}

interface ToolDefinition<Args extends z.ZodType> {
  readonly name: string
  readonly description: string
  readonly args: Args
  /** How a right call looks, for one that was wrong. */
  readonly example: string
  readonly readOnly: boolean
  readonly run: (args: z.infer<Args>, call: ToolCall) => Promise<string> | string
}

/** A tool whose arguments are checked before it runs; wrong ones come back as what is wrong and how it is right. */
export function defineTool<Args extends z.ZodType>(tool: ToolDefinition<Args>): Tool {
  const { $schema: _, ...schema } = z.toJSONSchema(tool.args, { io: 'input' })
  return {
    name: tool.name,
    description: tool.description,
    schema,
    readOnly: tool.readOnly,
    run: async (args, call) => {
      const parsed = tool.args.safeParse(args ?? {})
      if (parsed.success) return tool.run(parsed.data, call)
      const wrong = parsed.error.issues.slice(0, 5).map(wrongArgument)
      throw new ToolRefusal(`${tool.name}: ${wrong.join('; ')}. A right call: ${tool.example}`)
    },
  }
}

function wrongArgument({ path, message }: { path: PropertyKey[]; message: string }): string {
  const where = path.map(String).join('.')
  return `${where === '' ? 'arguments' : `"${where}"`}: ${message}`.slice(0, 300)
}
