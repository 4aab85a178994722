export interface ModelName {
  readonly providerID: 'anthropic' | 'openai'
  readonly modelID: string
}

/** What a group gets that names no model. */
export const DEFAULT_MODEL = 'claude-sonnet-4-5'

/**
 * The API and the model of a name in `container.json`: `anthropic/…`, `openai/…`, or a bare name, which is taken for
 * one of OpenAI's when it begins like one.
 */
export function modelName(name: string): ModelName {
  const prefixed = /^(anthropic|openai)\/(.+)$/.exec(name)
  if (prefixed?.[2] !== undefined)
    return { providerID: prefixed[1] === 'openai' ? 'openai' : 'anthropic', modelID: prefixed[2] }
  const openai = /^(?:gpt|chatgpt|codex|o\d)/.test(name)
  return { providerID: openai ? 'openai' : 'anthropic', modelID: name }
}
