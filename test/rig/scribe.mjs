// A transcription program for tests: what the "recording" says is what it does. Reads the file that is named, else its
// standard input.
import { spawn } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'

const [marks, file] = process.argv.slice(2)
appendFileSync(marks, `${process.pid}\n`)
const [order, ...rest] = readFileSync(file ?? 0, 'utf8').split(':')
const said = rest.join(':')
switch (order) {
  case 'say':
    process.stdout.write(said)
    break
  case 'env':
    process.stdout.write(JSON.stringify({ env: process.env, cwd: process.cwd(), file: file ?? null }))
    break
  case 'die':
    process.stderr.write(`cannot read this\n${said}`)
    process.exitCode = 3
    break
  case 'flood':
    for (;;)
      if (!process.stdout.write('x'.repeat(65_536)))
        await new Promise((go) => process.stdout.once('drain', go))
  case 'hang': {
    // With something of its own that hangs on to the pipes.
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' })
    appendFileSync(marks, `${child.pid}\n`)
    setInterval(() => undefined, 1_000)
    break
  }
  case 'leave': {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' })
    appendFileSync(marks, `${child.pid}\n`)
    child.unref()
    process.stdout.write(said, () => process.exit(0))
    break
  }
}
