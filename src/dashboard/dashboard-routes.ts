import type { Context } from '../base/context.ts'
import type { Answer, ListenerRequest, ListenerResponse, StreamedResponse } from '../listen/answer-request.ts'
import type { Board } from './board.ts'
import { sendEvents } from './event-stream.ts'
import { isExpectedHost, isFromElsewhere, isFromOurPage } from './origin.ts'
import { PAGE, type PageFiles, signInPage } from './page-html.ts'
import type { Hello } from './page-messages.ts'
import { queryIn } from './page-query.ts'
import type { SignIn } from './sign-in.ts'
import { SITE_HEADERS } from './site-headers.ts'
import { answerUnlock, type Unlock } from './unlock-request.ts'

/** What a dashboard is made of. */
export interface Dashboard {
  readonly board: Board
  readonly files: PageFiles
  /** The names by which it is asked for, beside `localhost` and addresses. */
  readonly names: readonly string[]
  /** `undefined`: everybody who reaches it may look. */
  readonly signIn: SignIn | undefined
  /** `undefined`: nobody may. */
  readonly unlock: Unlock | undefined
}

type Response = ListenerResponse | StreamedResponse

const MAX_FORM = 1024

/** Answers browsers, and whoever else asks. */
export function dashboardAnswer(ctx: Context, dashboard: Dashboard): Answer {
  return async (request) => {
    const answer = await route(ctx, dashboard, request)
    return { ...answer, headers: { ...SITE_HEADERS, ...answer.headers } }
  }
}

async function route(ctx: Context, dashboard: Dashboard, request: ListenerRequest): Promise<Response> {
  const { method, path, headers } = request
  if (!isExpectedHost(headers.host, dashboard.names)) {
    return sentence(421, 'this name is none of the dashboard: see --allow-host')
  }
  const handlers = ROUTES[path]
  if (!handlers) return sentence(404, 'there is nothing here')
  const handle = handlers[method === 'HEAD' ? 'GET' : method]
  if (!handle) return { ...sentence(405, 'this is not for that'), headers: { allow: Object.keys(handlers).join(', ') } }
  if (method === 'POST' && !isFromOurPage(headers)) return sentence(403, 'only the page itself may ask this')
  return handle(ctx, dashboard, request)
}

type Handle = (ctx: Context, dashboard: Dashboard, request: ListenerRequest) => Promise<Response> | Response

const ROUTES: Readonly<Record<string, Readonly<Record<string, Handle>>>> = {
  __proto__: null as never,
  '/': {
    GET: (_, dashboard, request) => (whoAsks(dashboard, request) === undefined ? redirect('/sign-in') : html(PAGE)),
  },
  '/page.js': { GET: (_, { files }) => ({ status: 200, type: 'text/javascript; charset=utf-8', text: files.script }) },
  '/page.css': { GET: (_, { files }) => ({ status: 200, type: 'text/css; charset=utf-8', text: files.style }) },
  '/events': { GET: events },
  '/sign-in': { GET: (_, { signIn }) => (signIn ? html(signInPage()) : redirect('/')), POST: enter },
  '/sign-out': { POST: (_, { signIn }) => redirect('/sign-in', signIn?.leaving) },
  '/unlock': { POST: unlock },
}

/** Who asks, as a word for it: the same for all where nobody has to sign in; `undefined` when he has to. */
function whoAsks({ signIn }: Dashboard, { headers }: ListenerRequest): string | undefined {
  return signIn ? signIn.whoIs(headers.cookie) : 'anybody'
}

function events(ctx: Context, dashboard: Dashboard, request: ListenerRequest): Response {
  const { board, signIn, unlock } = dashboard
  // To hold connections to us open is all that other sites' pages could do.
  if (isFromElsewhere(request.headers)) return sentence(403, 'only the page itself may ask this')
  const who = whoAsks(dashboard, request)
  if (who === undefined) return sentence(401, 'sign in first')
  const hello: Hello = {
    mayUnlock: unlock !== undefined,
    pageKey: signIn?.pageKey(who) ?? '',
    isSignedIn: signIn !== undefined,
  }
  const about = { query: queryIn(request.query), hello }
  return { status: 200, type: 'text/event-stream', stream: (out) => sendEvents(ctx, board, about, out) }
}

async function enter(ctx: Context, { signIn }: Dashboard, request: ListenerRequest): Promise<Response> {
  if (!signIn) return redirect('/')
  const form = await request.body(MAX_FORM)
  const cookie = signIn.enter(request.peer, new URLSearchParams(form).get('secret') ?? '')
  if (cookie === 'too often') return { ...html(signInPage('Too many tries: wait a few seconds.')), status: 429 }
  if (cookie === undefined) {
    ctx.log.warn(`somebody at ${request.peer} gave a wrong secret`)
    return { ...html(signInPage('That is not the secret.')), status: 403 }
  }
  return redirect('/', cookie)
}

async function unlock(ctx: Context, dashboard: Dashboard, request: ListenerRequest): Promise<Response> {
  const { signIn, unlock, board } = dashboard
  const who = whoAsks(dashboard, request)
  if (!unlock || !signIn) return sentence(403, 'this dashboard only looks: see --allow-unlock')
  if (who === undefined) return sentence(401, 'sign in first')
  const key = request.headers['x-page-key']
  if (typeof key !== 'string' || !signIn.isPageKey(who, key)) return sentence(403, 'only the page itself may ask this')
  return answerUnlock(ctx, board, unlock, request)
}

function html(text: string): ListenerResponse {
  return { status: 200, type: 'text/html; charset=utf-8', text }
}

function redirect(location: string, cookie?: string): ListenerResponse {
  const headers = { location, ...(cookie !== undefined && { 'set-cookie': cookie }) }
  return { ...sentence(303, `it is at ${location}`), headers }
}

/** What went wrong, in one sentence. */
export function sentence(status: number, what: string): ListenerResponse {
  return { status, type: 'text/plain; charset=utf-8', text: `${what}\n` }
}
