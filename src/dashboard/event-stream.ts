import { aborted, scope, sleep, unlessAborted } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import type { ResponseStream } from '../listen/response-stream.ts'
import type { Board } from './board.ts'
import type { Hello, PageQuery } from './page-messages.ts'
import { PageNews } from './page-news.ts'

/** Of many changes one after the other a page is told at once. */
const SETTLE_MS = 100
/** Load balancers, and our own listener, close what is silent for a minute. */
const SILENCE_MS = 15_000
/** How soon a browser comes back whose connection broke. */
const AGAIN_MS = 1000

/**
 * Tells a page what it looks at, and each change of that, by server-sent events. Ends with the context's signal, or
 * when the page has gone; a page that doesn't read is told nothing more until it does.
 */
export async function sendEvents(
  ctx: Context,
  board: Board,
  { query, hello }: { readonly query: PageQuery; readonly hello: Hello },
  out: ResponseStream,
): Promise<void> {
  using both = scope(ctx.signal)
  void aborted(out.signal).then((reason) => both.passOn(reason))
  const bounded = under(ctx, both.signal)
  const page = new PageNews(query, hello)
  let spokeAt = ctx.clock.now()
  const say = async (text: string) => {
    await out.write(text)
    spokeAt = ctx.clock.now()
  }
  try {
    await say(`retry: ${AGAIN_MS}\n\n`)
    for (;;) {
      const { change, scene } = board
      const news = page.newsOf(scene, ctx.clock.now().wallMs)
      // JSON has no line breaks, which would end an event.
      if (news) await say(`data: ${JSON.stringify(news)}\n\n`)
      const silentMs = ctx.clock.since(spokeAt)
      if (silentMs >= SILENCE_MS) await say(': still here\n\n')
      await unlessAborted(bounded.signal, Promise.race([change, sleep(bounded, SILENCE_MS)]))
      await sleep(bounded, SETTLE_MS)
    }
  } catch (thrown) {
    if (!ctx.signal.aborted) throw thrown
  }
}
