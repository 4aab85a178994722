import { expect, test } from 'vitest'
import { CreelError, EngineUnavailableError } from '../../domain/errors.ts'
import { engineError, ignoreNotFound, ignoreStatus } from './engine-errors.ts'

const http = (statusCode: number) =>
  Object.assign(new Error(`(HTTP code ${statusCode}) unexpected - engine says so `), { statusCode })
const socket = (code: string) => Object.assign(new Error('connect failed'), { code })

test.each(['ECONNREFUSED', 'ENOENT', 'EACCES', 'ECONNRESET', 'EPIPE'])(
  '%s: unavailable, with a hint',
  (code) => {
    const error = engineError('list sandboxes', socket(code))
    expect(error).toBeInstanceOf(EngineUnavailableError)
    expect(error.message).toBe(`the container engine does not answer: could not list sandboxes (${code})`)
    expect(error.hint).toMatch(/engine/)
  },
)

test.each([
  [400, 'invalid'],
  [404, 'not_found'],
  [409, 'conflict'],
  [500, 'internal'],
])('status %d is %s, in the words of the engine', (status, code) => {
  const error = engineError('do it', http(status))
  expect(error).toMatchObject({ code, message: 'could not do it: engine says so' })
})

test('an error of ours stays what it is', () => {
  const error = new CreelError('invalid', 'x')
  expect(engineError('do it', error)).toBe(error)
})

test('only the named statuses are ignored', async () => {
  expect(await ignoreNotFound(Promise.reject(http(404)))).toBeUndefined()
  expect(await ignoreStatus([404, 409], Promise.reject(http(409)))).toBeUndefined()
  await expect(ignoreNotFound(Promise.reject(http(409)))).rejects.toThrow('409')
  await expect(ignoreNotFound(Promise.reject(socket('ENOENT')))).rejects.toThrow('connect failed')
})
