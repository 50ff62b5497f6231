import type { Page } from 'playwright/test';

/** Runs in the browser; a string, because the tests are compiled without browser types. */
const FIND_INJECTED = String.raw`(() => {
  const found = [];
  const hidden = /(?![\t\n\r])\p{Cc}|[\u200b\u202a-\u202e\u2066\u2067]/u;
  if (document.documentElement.dataset.pwned !== undefined) found.push('an injected script ran');
  for (const { outerHTML } of document.querySelectorAll('[data-pwned]')) found.push('an element: ' + outerHTML);
  for (const element of document.querySelectorAll('*')) {
    for (const { name, value } of element.attributes) {
      if (/^on/.test(name)) found.push('a handler: ' + name + '=' + value);
      if (name !== 'value' && hidden.test(value)) found.push('hidden in ' + name + ': ' + JSON.stringify(value));
      if (!['href', 'src', 'action', 'formaction', 'xlink:href'].includes(name)) continue;
      const { protocol } = new URL(value, document.baseURI);
      const icon = element.matches('link[rel~=icon]') && value.startsWith('data:image/svg+xml,');
      if (!icon && !['http:', 'https:', 'mailto:', 'blob:'].includes(protocol)) found.push(name + ' leads to ' + value);
    }
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
    const inField = node.parentElement.matches('textarea, script');
    if (!inField && hidden.test(node.data)) found.push('hidden in the text ' + JSON.stringify(node.data.slice(0, 200)));
  }
  if (hidden.test(document.title)) found.push('hidden in the title ' + JSON.stringify(document.title));
  return found;
})()`;

/** Injected elements, handlers, script URLs and invisible characters on the page. Empty if there are none. */
export const injected = (page: Page): Promise<string[]> => page.evaluate<string[]>(FIND_INJECTED);
