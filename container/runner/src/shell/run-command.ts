import { readFileSync } from 'node:fs'
import * as z from 'zod'
import { SHELL_HELP, type ShellCommand } from './command-line.ts'

/** What the tool server left for this: where it listens, for calls from a shell. */
const Door = z.object({ url: z.url() })

const Answer = z.union([
  z.object({
    result: z.object({
      content: z.array(z.object({ text: z.string() })),
      isError: z.boolean().default(false),
    }),
  }),
  z.object({ result: z.object({ tools: z.array(z.object({ name: z.string(), description: z.string() })) }) }),
  z.object({ error: z.object({ message: z.string() }) }),
])

/** What is to be printed, and whether it was done. */
export interface ShellResult {
  readonly ok: boolean
  readonly text: string
}

/** Carries out one command by the tool server that `doorFile` names. Never rejects for what can go wrong there. */
export async function runShellCommand(command: ShellCommand, doorFile: string): Promise<ShellResult> {
  if (command.kind === 'help') return { ok: true, text: SHELL_HELP }
  if (command.kind === 'wrong') return { ok: false, text: `creel: ${command.message}\n\n${SHELL_HELP}` }
  const body =
    command.kind === 'tools'
      ? '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}'
      : `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":${JSON.stringify(command.tool)},"arguments":${command.args}}}`
  try {
    const { url } = Door.parse(JSON.parse(readFileSync(doorFile, 'utf8')))
    const response = await fetch(url + encodeURIComponent(command.session ?? ''), {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body,
    })
    return resultOf(Answer.parse(await response.json()))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { ok: false, text: `creel: the tools cannot be reached: ${why.slice(0, 300)}` }
  }
}

function resultOf(answer: z.infer<typeof Answer>): ShellResult {
  if ('error' in answer) return { ok: false, text: `creel: ${answer.error.message}` }
  if ('tools' in answer.result) {
    const { tools } = answer.result
    return { ok: true, text: tools.map(({ name, description }) => `${name}\n  ${description}`).join('\n') }
  }
  const { content, isError } = answer.result
  return { ok: !isError, text: content.map(({ text }) => text).join('\n') }
}
