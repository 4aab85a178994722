import { errorText } from '../log.ts'
import { bridge } from './bridge.ts'

const [, , address = ''] = process.argv
try {
  await bridge(new URL(address), process.stdin, process.stdout)
} catch (error) {
  process.stderr.write(`the tool server at ${address} cannot be used: ${errorText(error)}\n`)
  process.exitCode = 1
}
