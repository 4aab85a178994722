import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureAgentImage } from '../../src/adapters/docker/agent-image.ts'
import { readNpmConfig } from '../../src/adapters/docker/npm-config.ts'
import { ENGINE_SOCKET, testAgentImage, testBaseImage } from './test-image.ts'

/** Any of them: with one, an image has what agents reach for in a shell. */
const RUNTIME = 'codex'

/** Tag of an agent image of this tree with a browser, and with the one client of the matrix that no agent image has. */
export async function testClientsImage(): Promise<string> {
  const agent = await testAgentImage([RUNTIME], true)
  const folder = mkdtempSync(join(tmpdir(), 'creel-clients-'))
  try {
    writeFileSync(join(folder, 'Dockerfile'), withBun(agent))
    return await ensureAgentImage({
      socketPath: ENGINE_SOCKET,
      containerDir: folder,
      base: await testBaseImage(),
      npm: () => readNpmConfig(process.env.NODE_EXTRA_CA_CERTS),
      onProgress: (line) => console.error(`clients image: ${line}`),
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** It is installed once, whatever becomes of the runner. */
function withBun(agent: string): string {
  return `ARG BASE
FROM \${BASE} AS bun
ARG NPM_CONFIG_REGISTRY
ARG NODE_EXTRA_CA_CERTS=/build/build-ca.crt
COPY build-ca.crt /build/
RUN npm install --prefix /opt/bun --no-audit --no-fund --ignore-scripts @oven/bun-linux-x64-baseline@1.4.5
FROM ${agent}
COPY --from=bun /opt/bun/node_modules/@oven/bun-linux-x64-baseline/bin/bun /opt/runtimes/bin/bun
`
}
