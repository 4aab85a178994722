import type { TurnInput } from '@creel/protocol'
import { nativeImages } from '../../turn-attachments.ts'

/** Text as app-server takes it. */
export function textInput(text: string): object[] {
  return [{ type: 'text', text, text_elements: [] }]
}

/** The prompt, and the images that the model is to see. */
export function turnInput({ prompt, attachments }: TurnInput): object[] {
  const images = nativeImages(attachments).map(({ path }) => ({ type: 'localImage', path }))
  return [...images, ...textInput(prompt)]
}
