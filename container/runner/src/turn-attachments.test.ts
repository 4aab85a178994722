import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TurnAttachment } from '@creel/protocol'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { nativeImages, sizeText } from './turn-attachments.ts'

let folder: string
let photo: TurnAttachment

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'creel-attachments-'))
  const path = join(folder, 'photo.png')
  writeFileSync(path, 'x')
  photo = { path, kind: 'image', name: 'a.png', mime: 'image/png', bytes: 1, pixels: { width: 8, height: 8 } }
})
afterAll(() => rmSync(folder, { recursive: true }))

it('shows a model no image that its API would refuse for good', () => {
  const { pixels, ...unknown } = photo
  expect(pixels).toBeDefined()
  const refused = [
    { ...photo, mime: 'image/tiff' },
    { ...photo, bytes: 4_000_000 },
    { ...photo, pixels: { width: 8_001, height: 1 } },
    { ...photo, pixels: { width: 1, height: 8_001 } },
    { ...photo, path: join(folder, 'gone.png') },
    { ...photo, path: folder },
    unknown,
  ]
  expect(nativeImages(refused)).toEqual([])
  expect(nativeImages([photo, ...refused])).toEqual([photo])
  expect(nativeImages()).toEqual([])
})

it('shows a bounded number of images', () => {
  expect(nativeImages(Array.from({ length: 20 }, () => photo))).toHaveLength(8)
})

it.each([
  [0, '0 bytes'],
  [999, '999 bytes'],
  [12_345, '12 kB'],
  [999_499, '999 kB'],
  [999_500, '1.0 MB'],
  [48_000_000, '48.0 MB'],
])('says %i bytes as %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text)
})
