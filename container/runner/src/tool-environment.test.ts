import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CA_BUNDLE_FILE, CA_FILE, RunnerSettings } from '@creel/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { toolEnvironment, withToolEnvironment } from './tool-environment.ts'

describe('the environment of tools', () => {
  let runDir: string
  beforeEach(() => {
    runDir = mkdtempSync(join(tmpdir(), 'creel-run-'))
  })
  afterEach(() => rmSync(runDir, { recursive: true }))

  it('names the gateway as the proxy of everything but the sandbox itself', () => {
    const environment = toolEnvironment(runDir, 3128)
    for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy'])
      expect(environment).toHaveProperty(name, 'http://127.0.0.1:3128')
    for (const name of ['NO_PROXY', 'no_proxy'])
      expect(environment).toHaveProperty(name, 'localhost,127.0.0.1,::1')
    expect(environment).toHaveProperty('NODE_USE_ENV_PROXY', '1')
  })

  it('names no certificates that are not there, and no proxy where none is offered', () => {
    expect(Object.keys(toolEnvironment(runDir, 3128)).filter((name) => /CA|CERT|WGET/.test(name))).toEqual([])
    writeFileSync(join(runDir, CA_FILE), '')
    expect(toolEnvironment(runDir, 3128)).not.toHaveProperty('NODE_EXTRA_CA_CERTS')
    writeFileSync(join(runDir, CA_BUNDLE_FILE), '')
    expect(toolEnvironment(runDir, null)).toEqual({})
  })

  it('gives our certificate alone to those that add it to their own, and all of them to those that take no other', () => {
    const [ca, bundle] = [join(runDir, CA_FILE), join(runDir, CA_BUNDLE_FILE)]
    for (const file of [ca, bundle]) writeFileSync(file, '')
    expect(toolEnvironment(runDir, 3128)).toMatchObject({
      NODE_EXTRA_CA_CERTS: ca,
      SSL_CERT_FILE: bundle,
      CURL_CA_BUNDLE: bundle,
      GIT_SSL_CAINFO: bundle,
      REQUESTS_CA_BUNDLE: bundle,
      PIP_CERT: bundle,
    })
  })

  it('is given to tool servers that are started, behind their own; one elsewhere is started as a bridge to it', () => {
    const settings = RunnerSettings.parse({
      protocol: 1,
      group: 'garden',
      provider: 'demo',
      concurrency: 1,
      turnTimeoutMs: 1,
      maxAttempts: 1,
      pollMs: 1,
      mcpServers: {
        lab: { command: 'lab', env: { NO_PROXY: '*', A: 'b' } },
        far: { url: 'https://mcp.example.com/' },
      },
    })
    const { mcpServers } = withToolEnvironment(settings, { NO_PROXY: 'localhost', HTTPS_PROXY: 'http://p' })
    expect(mcpServers).toEqual({
      lab: { command: 'lab', args: [], env: { NO_PROXY: '*', A: 'b', HTTPS_PROXY: 'http://p' } },
      far: {
        command: '/usr/local/bin/node',
        args: ['/opt/creel/tool-bridge.mjs', 'https://mcp.example.com/'],
        env: { NO_PROXY: 'localhost', HTTPS_PROXY: 'http://p' },
      },
    })
  })
})
