/** Samples a second. */
const RATE = 16_000

/** One second of a quiet hum, as a WAV file: enough to hear whether something transcribes at all. Pure. */
export function testRecording(): Buffer {
  const data = Buffer.alloc(RATE * 2)
  for (let at = 0; at < RATE; at += 1)
    data.writeInt16LE(Math.round(Math.sin((at / RATE) * 440 * Math.PI) * 800), at * 2)
  const head = Buffer.alloc(44)
  head.write('RIFF', 0, 'latin1')
  head.writeUInt32LE(36 + data.length, 4)
  head.write('WAVEfmt ', 8, 'latin1')
  head.writeUInt32LE(16, 16)
  // PCM, one channel, 16 bits.
  head.writeUInt16LE(1, 20)
  head.writeUInt16LE(1, 22)
  head.writeUInt32LE(RATE, 24)
  head.writeUInt32LE(RATE * 2, 28)
  head.writeUInt16LE(2, 32)
  head.writeUInt16LE(16, 34)
  head.write('data', 36, 'latin1')
  head.writeUInt32LE(data.length, 40)
  return Buffer.concat([head, data])
}
