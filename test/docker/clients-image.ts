import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureAgentImage } from '../../src/adapters/docker/agent-image.ts'
import { readNpmConfig } from '../../src/adapters/docker/npm-config.ts'
import { ENGINE_SOCKET, testAgentImage, testBaseImage } from './test-image.ts'

const onProgress = (line: string) => console.error(`clients image: ${line}`)

/** Tag of an image with the runner of this tree and every client that the matrix tries. The clients are installed once. */
export async function testClientsImage(): Promise<string> {
  const clients = await ensureAgentImage({
    socketPath: ENGINE_SOCKET,
    containerDir: join(import.meta.dirname, 'clients-image'),
    base: await testBaseImage(),
    npm: () => readNpmConfig(process.env.NODE_EXTRA_CA_CERTS),
    onProgress,
  })
  const agent = await testAgentImage()
  const folder = mkdtempSync(join(tmpdir(), 'creel-clients-'))
  try {
    writeFileSync(join(folder, 'Dockerfile'), withRunnerOf(agent))
    return await ensureAgentImage({
      socketPath: ENGINE_SOCKET,
      containerDir: folder,
      base: clients,
      onProgress,
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** What container/Dockerfile puts on its base, taken from the image that it made. */
function withRunnerOf(agent: string): string {
  return `ARG BASE
FROM ${agent} AS agent
FROM \${BASE}
RUN mkdir -p /mail/in /mail/out /run/creel /workspace /memory /skills
COPY --from=agent /opt/creel /opt/creel
COPY --from=agent /etc/chromium /etc/chromium
ARG CREEL_PROTOCOL
LABEL creel.protocol=\${CREEL_PROTOCOL}
ENV HOME=/home/agent
USER 10001:10001
WORKDIR /workspace
ENTRYPOINT ["/usr/local/bin/node", "/opt/creel/boot.cjs"]
`
}
