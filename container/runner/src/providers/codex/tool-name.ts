import * as z from 'zod'

const MAX_NAME = 200

const Named = z.object({ server: z.string().optional(), tool: z.string().optional() })

/** What a person is shown of a tool in use; undefined when the item is not the use of a tool. Never its arguments. */
export function toolName(item: Readonly<Record<string, unknown>>): string | undefined {
  switch (item.type) {
    case 'commandExecution':
      return 'shell'
    case 'fileChange':
      return 'edit'
    case 'mcpToolCall':
    case 'dynamicToolCall':
    case 'collabAgentToolCall': {
      const { server, tool = 'tool' } = Named.safeParse(item).data ?? {}
      return (server === undefined ? tool : `${server}.${tool}`).slice(0, MAX_NAME)
    }
    case 'webSearch':
      return 'web search'
    case 'imageView':
      return 'view image'
    case 'imageGeneration':
      return 'make image'
    default:
      return undefined
  }
}
