import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** The mock of the model services, pinned; its licence and source are its own. */
const PACKAGE = '@copilotkit/aimock'
const VERSION = '1.43.0'
const FOLDER = join(import.meta.dirname, '../.creel/peers/aimock')

/** The part of a request that answers are chosen by, the same for every dialect. */
export interface MockRequest {
  readonly messages: readonly {
    readonly role: string
    readonly content: string | readonly { readonly type: string; readonly text?: string }[] | null
  }[]
}

/** The part of the package that is used here. */
export interface ModelMock {
  readonly url: string
  prependFixture(fixture: {
    readonly match: { readonly predicate: (request: MockRequest) => boolean }
    readonly response: object | ((request: MockRequest) => object)
    /** Milliseconds before each piece of a stream. */
    readonly latency?: number
    /** Characters in a piece. */
    readonly chunkSize?: number
  }): this
  /** Its answer to every recording. */
  onTranscription(response: { readonly transcription: { readonly text: string } }): this
  stop(): Promise<void>
}

/** Starts the mock on a free port of the loopback. Installs its pinned package into `.creel/peers` when it is missing. */
export async function startModelMock(): Promise<ModelMock> {
  const folder = join(FOLDER, 'node_modules', PACKAGE)
  if (!existsSync(folder)) {
    console.log(`model mock: installing ${PACKAGE}@${VERSION} into .creel/peers`)
    const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', FOLDER]
    const done = spawnSync('npm', [...args, `${PACKAGE}@${VERSION}`], { encoding: 'utf8', timeout: 300_000 })
    if (done.status !== 0) throw new Error(`cannot install ${PACKAGE}@${VERSION}: ${done.stderr}`)
  }
  // Not in package.json, so its shape is declared above instead of imported.
  const mock: { LLMock: { create(options: object): Promise<ModelMock> } } = createRequire(import.meta.url)(
    folder,
  )
  return mock.LLMock.create({ port: 0, host: '127.0.0.1' })
}

/** What the last message of the person says, as one text, without the transcript that a fresh session is given. */
export function lastUserText(request: MockRequest): string {
  const content = request.messages.findLast((message) => message.role === 'user')?.content ?? ''
  const text = typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('\n')
  return text.slice(text.lastIndexOf('</transcript>') + 1)
}
