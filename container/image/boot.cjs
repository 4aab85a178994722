// First file of a sandbox. The cache was made in the image build by the same account from the same path; node looks
// for it there and compiles nothing. Were it missing or stale, the runner would start a little later.
const { enableCompileCache } = require('node:module')
const { join } = require('node:path')

enableCompileCache(join(__dirname, 'cache'))
require('./runner.cjs')
