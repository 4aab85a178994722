import { describe, expect, it } from 'vitest'
import { type Recording, type Transcriber, TranscriptionError } from '../../src/domain/ports/transcription.ts'

/** A transcriber that does what a recording says, as `test/rig/scribe.mjs`. */
export interface TranscriberWorld extends AsyncDisposable {
  readonly transcriber: Transcriber
  recording(text: string, mime?: string): Recording
  /** What still runs because of it. */
  running(): Promise<number>
}

/** The rules of the port, for a fake and for what is real. */
export function transcriberContract(name: string, make: () => Promise<TranscriberWorld>): void {
  const inWorld = async (run: (world: TranscriberWorld) => Promise<void>) => {
    const world = await make()
    try {
      await run(world)
    } finally {
      await world.transcriber.close()
      await world[Symbol.asyncDispose]()
    }
  }
  const never = new AbortController().signal
  const failure = (world: TranscriberWorld, text: string, signal = never) =>
    world.transcriber.transcribe(world.recording(text), signal).then(
      () => null,
      (error: unknown) => error,
    )

  describe(`the port of transcription, kept by ${name}`, () => {
    it('gives the words of a recording as they are, several at once', () =>
      inWorld(async ({ transcriber, recording }) => {
        const texts = ['water the tomatoes', 'grüße, 你好\nsecond line', '']
        const heard = texts.map((text) => transcriber.transcribe(recording(`say:${text}`), never))
        expect(await Promise.all(heard)).toEqual(texts)
      }))

    it('says in words for people that a recording cannot be transcribed', () =>
      inWorld(async (world) => {
        const error = await failure(world, 'die:at /home/someone')
        expect(error).toBeInstanceOf(TranscriptionError)
        expect(error).toMatchObject({ againAfterMs: null })
        expect(String(error)).not.toContain('/home')
      }))

    it('ends soon after it is told to, with nothing left running, and goes on with others', () =>
      inWorld(async (world) => {
        const stop = new AbortController()
        const ended = failure(world, 'hang:', stop.signal)
        await expect.poll(() => world.running(), { timeout: 10_000 }).toBeGreaterThan(0)
        stop.abort(new Error('told to'))
        expect(await ended).toMatchObject({ message: 'told to' })
        await expect.poll(() => world.running(), { timeout: 10_000 }).toBe(0)
        expect(await world.transcriber.transcribe(world.recording('say:still here'), never)).toBe(
          'still here',
        )
        expect(await failure(world, 'say:x', AbortSignal.abort(new Error('over')))).toMatchObject({
          message: 'over',
        })
      }))
  })
}
