import { toolEnvironment } from '../../container/runner/src/tool-environment.ts'

/**
 * What a sandbox tells tools of its way out, with a port at which nobody listens: a runtime that asked its model through
 * the proxy would get no answer.
 */
export const PROXY_OF_NOBODY = toolEnvironment('/nowhere', 9)
