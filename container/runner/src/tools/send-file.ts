import { realpath } from 'node:fs/promises'
import { isAbsolute, join, sep } from 'node:path'
import { MAX_FILES, SANDBOX_PATHS } from '@creel/protocol'
import * as z from 'zod'
import { errorText } from '../log.ts'
import { FileNotSent } from '../outgoing-files.ts'
import { defineTool, ToolRefusal } from './tool.ts'

export const sendFile = defineTool({
  name: 'send_file',
  description: [
    'Sends a file to the chat that this turn came from, together with your answer at the end of the turn.',
    `The file has to be below ${SANDBOX_PATHS.workspace}, ${SANDBOX_PATHS.memory}, your home or /tmp; it is copied now, so you may`,
    `change or delete it afterwards. At most ${MAX_FILES} in a turn; of a folder send an archive.`,
  ].join(' '),
  args: z.strictObject({
    path: z.string().min(1).max(4_096).describe(`Absolute, or relative to ${SANDBOX_PATHS.workspace}.`),
    name: z.string().min(1).max(200).optional().describe('How people see it; its own name without this.'),
    caption: z.string().max(1_000).optional().describe('A line of markdown that is shown with it.'),
  }),
  example: `{"path": "${SANDBOX_PATHS.workspace}/report.pdf", "caption": "The report"}`,
  readOnly: false,
  run: async (file, { open, folders }) => {
    const path = await realPath(isAbsolute(file.path) ? file.path : join(folders.workspace, file.path))
    const places = await Promise.all(Object.values(folders).map((folder) => realpath(folder)))
    if (!places.some((place) => path.startsWith(place + sep)))
      throw new ToolRefusal(
        `Not sent: ${file.path} is not in one of your folders. Copy it to ${SANDBOX_PATHS.workspace} first, if it is yours to send.`,
      )
    try {
      switch (await open.sendFile({ ...file, path })) {
        case 'sent':
          return 'Copied: it goes out with your answer, at the end of this turn.'
        case 'sent-before':
          return 'It goes out with your answer already; it is not sent twice.'
        case 'too-many':
          throw new ToolRefusal(`Not sent: a turn may send ${MAX_FILES} files. Put the rest into an archive.`)
        case 'over':
          throw new ToolRefusal('Not sent: the turn is over or was stopped. Do nothing more.')
      }
    } catch (error) {
      if (error instanceof FileNotSent) throw new ToolRefusal(`Not sent: ${error.message}.`, { cause: error })
      throw error
    }
  },
})

async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    throw new ToolRefusal(`Not sent: ${path} cannot be read: ${errorText(error)}.`, { cause: error })
  }
}
