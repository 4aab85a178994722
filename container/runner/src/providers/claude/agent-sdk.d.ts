/** Only the image has this package; how we see it: sdk.ts. Its own return type is a superset of that. */
declare module '@anthropic-ai/claude-agent-sdk/core' {
  export const query: (request: { prompt: AsyncIterable<object>; options: object }) => never
}
