import type { LoginClient } from './secret.ts'

/**
 * What is known of the services that people log in to, from the programs that do it: Creel asks as they do. A login
 * that is not listed here can be kept with its own token URL and client id.
 */

/**
 * OpenAI, a ChatGPT plan used by Codex. Sources: openai/codex `login/src/auth/manager.rs` (token URL, client id, JSON
 * body, error codes), `login/src/device_code_auth.rs` (pairing), `model-provider-info/src/lib.rs` (base URL); the header
 * is in the pinned Codex program.
 */
export const CHATGPT = {
  issuer: 'https://auth.openai.com',
  clientId: 'app_EMoamEEZ73f0CkXaXp7hrann',
  /** Below the issuer. */
  paths: {
    token: '/oauth/token',
    deviceCode: '/api/accounts/deviceauth/usercode',
    devicePoll: '/api/accounts/deviceauth/token',
    deviceRedirect: '/deviceauth/callback',
    /** Where a person types the code. */
    devicePage: '/codex/device',
  },
  /** Where models are asked for with such a login; the paths there have no `/v1`. */
  baseUrl: 'https://chatgpt.com/backend-api/codex',
  accountHeader: 'chatgpt-account-id',
} as const

/** Where and as whom a ChatGPT login is renewed. */
export function chatgptClient(issuer: string): LoginClient {
  return { tokenUrl: `${issuer}${CHATGPT.paths.token}`, clientId: CHATGPT.clientId, body: 'json' }
}

/**
 * Anthropic, a Claude plan. `claude setup-token` prints a token that is good for a year and is not renewed; requests
 * with it are marked with this beta. Source: the pinned Claude program.
 */
export const CLAUDE = {
  beta: 'oauth-2025-04-20',
  tokenPrefix: 'sk-ant-oat',
  tokenLifeMs: 365 * 86_400_000,
} as const
