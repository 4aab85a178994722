import { text } from 'node:stream/consumers'
import type { Container } from 'dockerode'
import { z } from 'zod'
import { engineClient } from '../src/adapters/docker/engine-client.ts'
import type { Install } from '../src/config/load.ts'
import { installSocket } from '../src/host-parts.ts'

export interface NetworkedContainer extends AsyncDisposable {
  /** Where programs of this machine listen for it. */
  readonly hostAddress: string
  /** Runs a script of Node in it and returns the JSON of its last line. */
  script(source: string, args: readonly string[]): Promise<unknown>
}

const Ipam = z.object({ Config: z.array(z.object({ Gateway: z.string() })).min(1) })

/**
 * A container of the agent image as other systems run them: on a bridge network of its own, with a way out. What a
 * sandbox without any is compared with.
 */
export async function startNetworked(install: Install, image: string): Promise<NetworkedContainer> {
  const engine = engineClient(installSocket(install))
  const name = `creel-bench-${process.pid}`
  const network = await engine.createNetwork({ Name: name, Driver: 'bridge' })
  let container: Container | undefined
  const end = async () => {
    await container?.remove({ force: true })
    await network.remove()
  }
  try {
    const { IPAM } = await network.inspect()
    const [subnet] = Ipam.parse(IPAM).Config
    container = await engine.createContainer({
      Image: image,
      Entrypoint: ['/usr/bin/sleep', '3600'],
      HostConfig: { NetworkMode: name, Init: true },
    })
    await container.start()
    const running = container
    return {
      // Docker writes some gateways with the length of the subnet.
      hostAddress: subnet?.Gateway.split('/')[0] ?? '',
      script: (source, args) => nodeIn(running, source, args),
      [Symbol.asyncDispose]: end,
    }
  } catch (error) {
    await end()
    throw error
  }
}

/** Runs a script of Node in a running container and returns the JSON of its last line. */
export async function nodeIn(
  container: Container,
  source: string,
  args: readonly string[],
): Promise<unknown> {
  const running = await container.exec({
    Cmd: ['/usr/local/bin/node', '-e', source, '--', ...args],
    AttachStdout: true,
    AttachStderr: true,
    Tty: true,
  })
  const output = await text(await running.start({ Tty: true }))
  const last = output.trim().split('\n').at(-1) ?? ''
  if (!last.startsWith('{')) throw new Error(`the container said: ${output.slice(-2_000)}`)
  return JSON.parse(last)
}
