import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { pack } from 'tar-stream'
import { ensureAgentImage, hasImage } from '../../src/adapters/docker/agent-image.ts'
import { baseImageTag, makeBaseImage } from '../../src/adapters/docker/base-image.ts'
import { engineClient } from '../../src/adapters/docker/engine-client.ts'
import { engineSocket } from '../../src/adapters/docker/engine-socket.ts'
import { readNpmConfig } from '../../src/adapters/docker/npm-config.ts'

const SCRIPT = fileURLToPath(new URL('../../setup/base-image.sh', import.meta.url))
const CONTAINER_DIR = fileURLToPath(new URL('../../container', import.meta.url))
const say = (line: string) => console.error(`image: ${line}`)

/** The engine that tests use, as a host process would find it. */
export const ENGINE_SOCKET = engineSocket({ configured: '', dockerHost: process.env.DOCKER_HOST })

const forever = () => new AbortController().signal

/** Null, or why tests with a real engine cannot run here; to be printed by whoever skips. */
export async function whyNoEngine(): Promise<string | null> {
  try {
    await engineClient(ENGINE_SOCKET).ping()
    return null
  } catch (error) {
    return `no container engine at ${ENGINE_SOCKET}: ${String(error)}`
  }
}

/** Tag of the base image, made when missing (a minute, root). CREEL_TEST_BASE names a ready one instead. */
export async function testBaseImage(): Promise<string> {
  const given = process.env.CREEL_TEST_BASE
  if (given) return given
  const tag = await baseImageTag(SCRIPT)
  if (!(await hasImage(engineClient(ENGINE_SOCKET), tag, forever()))) await makeBase()
  return tag
}

/** Tag of the real agent image of this tree with these runtimes, made when missing. */
export async function testAgentImage(runtimes: readonly string[] = [], browser = false): Promise<string> {
  const given = process.env.CREEL_TEST_BASE
  return ensureAgentImage({
    socketPath: ENGINE_SOCKET,
    containerDir: CONTAINER_DIR,
    base: given ?? (await baseImageTag(SCRIPT)),
    runtimes,
    browser,
    ...(given ? {} : { makeBase }),
    npm: () => readNpmConfig(process.env.NODE_EXTRA_CA_CERTS),
    onProgress: say,
  })
}

/**
 * Tag of an image that runs the shell script in the environment variable SCRIPT: what a hostile or dying runner
 * does, without a change to how the engine adapter starts it.
 */
export async function testScriptImage(): Promise<string> {
  const dockerfile = `FROM ${await testBaseImage()}\nCMD ["sh", "-c", "eval \\"$SCRIPT\\""]\n`
  const tag = `creel-test-script:${createHash('sha256').update(dockerfile).digest('hex').slice(0, 16)}`
  const docker = engineClient(ENGINE_SOCKET)
  if (await hasImage(docker, tag, forever())) return tag
  const tar = pack()
  tar.entry({ name: 'Dockerfile' }, dockerfile)
  tar.finalize()
  const answer = await docker.buildImage(Readable.from(tar), { t: tag })
  let said = ''
  for await (const chunk of answer) said += String(chunk)
  if (!(await hasImage(docker, tag, forever()))) throw new Error(`could not build ${tag}: ${said}`)
  return tag
}

function makeBase(): Promise<void> {
  return makeBaseImage({ script: SCRIPT, socketPath: ENGINE_SOCKET, env: process.env, onProgress: say })
}
