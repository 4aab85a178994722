import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { CreelError } from '../../domain/errors.ts'

/** What a build has to know to fetch packages as this machine does. */
export interface NpmConfig {
  /** URL of the registry; npm's own when absent. */
  readonly registry?: string
  /** PEM file of authorities to trust besides the usual ones. */
  readonly caFile?: string
}

/**
 * What npm is configured to on this machine; nothing where there is no npm. `extraCaFile` is NODE_EXTRA_CA_CERTS.
 * Throws `invalid` for a registry URL with a password: a build's arguments can be read from its image.
 */
export async function readNpmConfig(extraCaFile: string | undefined): Promise<NpmConfig> {
  const [registry, configuredCa] = await Promise.all([npmGet('registry'), npmGet('cafile')])
  const caFile = configuredCa ?? (extraCaFile === '' ? undefined : extraCaFile)
  if (registry && (new URL(registry).username || new URL(registry).password)) {
    throw new CreelError('invalid', 'npm config registry: expected a URL without user and password', {
      hint: 'npm config set registry URL, and the login with npm login',
    })
  }
  return { ...(registry ? { registry } : {}), ...(caFile ? { caFile } : {}) }
}

async function npmGet(key: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('npm', ['config', 'get', key], { timeout: 30_000 })
    const value = stdout.trim()
    return value === '' || value === 'null' || value === 'undefined' ? undefined : value
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
