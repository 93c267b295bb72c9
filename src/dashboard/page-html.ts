/** What the executable has of the page. */
export interface PageFiles {
  readonly script: string
  readonly style: string
}

const HEAD = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>consul-locker</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%23326a77'/%3E%3Cpath d='M5.5 7V5a2.5 2.5 0 0 1 5 0v2M4.5 7h7v5h-7z' fill='none' stroke='%23fff' stroke-width='1.4'/%3E%3C/svg%3E">
<link rel="stylesheet" href="/page.css">`

/** The page, which its script fills. */
export const PAGE = `${HEAD}
<script type="module" src="/page.js"></script>
</head>
<body>
<noscript><p class="plain">This page needs JavaScript. In a terminal: <code>consul-locker locks</code></p></noscript>
<div id="page"></div>
</body>
</html>
`

/** Where one signs in; it works without a script. `complaint` is ours, and no text of others. */
export function signInPage(complaint = ''): string {
  const alert = complaint === '' ? '' : `<p class="complaint" role="alert">${complaint}</p>\n`
  return `${HEAD}
</head>
<body>
<main class="sign-in">
<h1>consul-locker</h1>
<form method="post" action="/sign-in">
<label for="secret">Secret</label>
<input id="secret" name="secret" type="password" autocomplete="current-password" required autofocus>
${alert}<button type="submit">Sign in</button>
</form>
<p>It stands in the file that <code>consul-locker dashboard</code> was given as <code>--secret-file</code>.</p>
</main>
</body>
</html>
`
}
