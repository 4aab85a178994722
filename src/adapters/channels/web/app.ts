import { Hono } from 'hono'
import type { AppEnv, AppParts } from './app-context.ts'
import { addChatRoutes } from './chat-routes.ts'
import { addFileRoutes } from './file-routes.ts'
import { currentSession, hostGuard, keepSession, refuse } from './guards.ts'
import { addLoginRoutes } from './login-routes.ts'
import { addMemoryRoutes } from './memory-routes.ts'
import { loadPageFiles, type PageFile, type PageName } from './page-files.ts'

/** All routes of the web chat. */
export function createApp(parts: AppParts): Hono<AppEnv> {
  const files = loadPageFiles()
  const app = new Hono<AppEnv>()
  app.use(hostGuard(parts))
  app.get('/healthz', (context) => context.json({ ok: true }))
  app.get('/assets/:name', (context) => {
    const file = files.get(context.req.param('name'))
    if (file === undefined || file.type.startsWith('text/html')) return context.notFound()
    context.header('Cache-Control', 'no-cache')
    context.header('ETag', file.etag)
    if (context.req.header('if-none-match') === file.etag) return context.body(null, 304)
    return context.body(file.body, 200, { 'Content-Type': file.type })
  })
  app.get('/', (context) => {
    const found = currentSession(context, parts)
    if (found === null) return context.html(page(files, 'welcome.html').body, 401)
    keepSession(context, parts, found.session)
    return context.html(page(files, 'index.html').body)
  })
  app.get('/login', (context) => context.html(page(files, 'login.html').body))
  addLoginRoutes(app, parts)
  addChatRoutes(app, parts)
  addFileRoutes(app, parts)
  addMemoryRoutes(app, parts)
  app.notFound((context) => refuse(context, 404, 'There is nothing at this address.'))
  app.onError((error, context) => {
    parts.onFault('web request failed', error)
    return refuse(context, 503, 'Something went wrong inside Creel; its log says what.')
  })
  return app
}

function page(files: ReadonlyMap<string, PageFile>, name: PageName): PageFile {
  const file = files.get(name)
  if (file === undefined) throw new Error(`the page file ${name} was not loaded`)
  return file
}
