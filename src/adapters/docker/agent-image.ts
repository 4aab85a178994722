import { readFile } from 'node:fs/promises'
import { PROTOCOL_VERSION } from '@creel/protocol'
import type Docker from 'dockerode'
import { CreelError } from '../../domain/errors.ts'
import { type ContextFile, contextFiles, contextHash, contextTar } from './build-context.ts'
import { BuildOutput } from './build-output.ts'
import { endlessEngineCall, engineCall, engineClient } from './engine-client.ts'
import { ignoreNotFound } from './engine-errors.ts'
import { PROTOCOL_LABEL } from './labels.ts'
import type { NpmConfig } from './npm-config.ts'

/** What can be in an agent image or not. */
export interface ImageContents {
  /** Agent runtimes that it holds, some of `claude`, `codex`, `opencode`; none when absent. */
  readonly runtimes?: readonly string[]
  /** Chromium with a library that drives it. */
  readonly browser?: boolean
}

export interface AgentImageRequest extends ImageContents {
  /** See engineSocket(). */
  readonly socketPath: string
  /** The folder `container/`: the whole build context. */
  readonly containerDir: string
  /** Image to build on. Its name counts, not what it points to: change the name to take in a newer one. */
  readonly base: string
  /** Makes the base when it is missing. Without it the engine tries to pull `base`. */
  readonly makeBase?: () => Promise<void>
  /** Where packages come from in the build; asked only when there is something to build. */
  readonly npm?: () => Promise<NpmConfig>
  /** One line of a build's output at a time. */
  readonly onProgress?: (line: string) => void
  readonly signal?: AbortSignal
}

/** `creel-agent:<hash>` of the files of `container/`, the name of the base and the contents. */
export async function agentImageTag(
  containerDir: string,
  base: string,
  contents: ImageContents = {},
): Promise<string> {
  return tagOf(await contextFiles(containerDir), base, contents)
}

/**
 * Makes sure that the engine has the agent image and returns its tag. With the image there, this is one inspect.
 * Idempotent; two at once build the same image twice, which harms nothing. Throws `internal` with the end of the
 * build's output when the build fails.
 */
export async function ensureAgentImage(request: AgentImageRequest): Promise<string> {
  const signal = request.signal ?? new AbortController().signal
  const docker = engineClient(request.socketPath)
  const files = await contextFiles(request.containerDir)
  const tag = tagOf(files, request.base, request)
  if (await hasImage(docker, tag, signal)) return tag
  if (request.makeBase && !(await hasImage(docker, request.base, signal))) await request.makeBase()
  await build(docker, request, { files, tag, signal })
  return tag
}

/** Whether the engine has this image. */
export function hasImage(docker: Docker, name: string, signal: AbortSignal): Promise<boolean> {
  return engineCall(
    `look for the image ${name}`,
    { signal },
    async () => (await ignoreNotFound(docker.getImage(name).inspect())) !== undefined,
  )
}

function tagOf(files: readonly ContextFile[], base: string, contents: ImageContents): string {
  const parts = [...[...(contents.runtimes ?? [])].sort(), ...(contents.browser ? ['browser'] : [])]
  return `creel-agent:${contextHash(files, [base, String(PROTOCOL_VERSION), ...parts])}`
}

async function build(
  docker: Docker,
  request: AgentImageRequest,
  what: { files: readonly ContextFile[]; tag: string; signal: AbortSignal },
): Promise<void> {
  const npm = (await request.npm?.()) ?? {}
  const buildCa = npm.caFile ? await readFile(npm.caFile, 'utf8') : ''
  const output = new BuildOutput(request.onProgress ?? (() => undefined))
  await endlessEngineCall(`build ${what.tag}`, what.signal, async (abortSignal) => {
    const answer = await docker.buildImage(contextTar(what.files, buildCa), {
      t: what.tag,
      labels: { [PROTOCOL_LABEL]: String(PROTOCOL_VERSION) },
      buildargs: {
        BASE: request.base,
        CREEL_PROTOCOL: String(PROTOCOL_VERSION),
        RUNTIMES: [...(request.runtimes ?? [])].sort().join(','),
        WITH_BROWSER: request.browser ? 'chromium' : '',
        ...(npm.registry ? { NPM_CONFIG_REGISTRY: npm.registry } : {}),
      },
      forcerm: true,
      abortSignal,
    })
    answer.setEncoding('utf8')
    for await (const chunk of answer) output.write(String(chunk))
    output.end()
  })
  if (output.error === undefined) return
  if (!(await hasImage(docker, request.base, what.signal))) {
    const message = `the base image ${request.base} is not on the engine, which cannot pull it: ${output.error}`
    throw new CreelError('not_found', message, {
      hint: './creel up makes the usual one; another one is named by engine.base_image in creel.toml',
    })
  }
  const tail = output.tail.join('\n')
  throw new CreelError('internal', `could not build ${what.tag}: ${output.error}\n${tail}`, {
    hint: 'the build needs the apt mirror and the npm registry of this machine: see the last lines above',
  })
}
