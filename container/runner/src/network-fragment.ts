import type { InstructionFragment } from '@creel/protocol'

/** What an agent is told of its way out: without it, it takes a refusal for a broken network and tries other ways. */
export function networkFragment(): InstructionFragment {
  const text = `# Network

Your tools reach the network through one proxy, which HTTPS_PROXY and the other usual variables already name; there is no
other way out. It lets through what your owner has allowed. A refused host answers with status 403 and why: do not try
another way, say which host you need and for what. Keys and tokens are added by the proxy where your owner has set them
up: none is in this container, and a placeholder does where a client wants one.`
  return { name: 'network', text, optional: true }
}
