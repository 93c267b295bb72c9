/**
 * What each answer says to the browser. Nothing is loaded from elsewhere, no script or style stands in the page itself,
 * and no other page frames ours, or loads it as a script of its own.
 */
export const SITE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    'img-src data:',
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  // With `no-referrer` browsers send no origin with a form, and that is what forms are known by.
  'referrer-policy': 'same-origin',
  'cache-control': 'no-store',
}
