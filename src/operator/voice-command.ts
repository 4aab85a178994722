import type { OperatorCommand } from './ports.ts'

/** Has a short recording of our own transcribed. */
export const voiceTest: OperatorCommand = {
  run: ({ testVoice }) => testVoice(),
}
