import type { Page } from 'playwright/test';

// What runs in the page is text: the browser tests know no browser types.

const helpers = `
  const styleOf = (element) => getComputedStyle(element);
  const ancestors = (element) => {
    const all = [];
    for (let each = element; each; each = each.parentElement) all.push(each);
    return all;
  };
  const isShown = (element) =>
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) &&
    // Texts for screen readers only are one pixel wide.
    !ancestors(element).some((each) => styleOf(each).position === 'absolute' && each.offsetWidth === 1);
  const onTop = document.querySelector('[role=dialog], [role=alertdialog]') ?? document.body;
  const shown = (selector) => [...onTop.querySelectorAll(selector)].filter(isShown);
  const nameOf = (element) =>
    element.tagName.toLowerCase() + ' "' +
    (element.getAttribute('aria-label') || element.textContent.trim() || element.className.baseVal || element.className).slice(0, 80) + '"';
  const isClear = (color) => color === 'transparent' || /^rgba.*, 0\\)$/.test(color);
  const ground = (element) =>
    ancestors(element).map((each) => styleOf(each).backgroundColor).find((color) => !isClear(color)) ?? 'rgb(255, 255, 255)';
`;

function inPage<Result>(page: Page, script: string): Promise<Result> {
  return page.evaluate<Result>(`(() => {${helpers}${script}})()`);
}

/** Texts that are larger than their box or stick out of the window, where nothing scrolls to them and no title has them in full. */
export function cutTexts(page: Page): Promise<string[]> {
  return inPage(
    page,
    `
    const found = new Set();
    const scrolls = (each) => /auto|scroll/.test(styleOf(each).overflowX) && each.scrollWidth > each.clientWidth;
    const walker = document.createTreeWalker(onTop, NodeFilter.SHOW_TEXT);
    for (let text = walker.nextNode(); text; text = walker.nextNode()) {
      const parent = text.parentElement;
      if (!text.data.trim() || parent.closest('svg, style, script, option') || !isShown(parent)) continue;
      const path = ancestors(parent);
      const block = path.find((each) => !['inline', 'contents'].includes(styleOf(each).display));
      const style = styleOf(block);
      const shortened = style.textOverflow === 'ellipsis' || style.webkitLineClamp !== 'none';
      if (path.some(scrolls) || (shortened && (block.closest('[title]') ?? block.querySelector('[title]')))) continue;
      if (block.scrollWidth > block.clientWidth + 1) found.add('too wide: ' + nameOf(block));
      if (/hidden|clip/.test(style.overflowY) && block.scrollHeight > block.clientHeight + 2) found.add('too high: ' + nameOf(block));
      const range = document.createRange();
      range.selectNodeContents(text);
      const { left, right } = range.getBoundingClientRect();
      if (right > innerWidth + 1 || left < -1) found.add('outside of the window: ' + nameOf(block));
    }
    return [...found];`,
  );
}

/** Remembers the marks that consist of a background alone, before forced colours take their colours away. */
export function rememberMarks(page: Page): Promise<void> {
  return inPage(
    page,
    `
    window.marks = shown('*').filter((element) =>
      element.childNodes.length === 0 && !element.closest('svg, input, select, textarea, [data-backdrop]') &&
      element.offsetWidth > 1 && element.offsetHeight > 1 && !isClear(styleOf(element).backgroundColor));`,
  );
}

/** What cannot be seen in forced colours: marks, borders of fields, icons, and what is selected among its like. */
export function lostInForcedColours(page: Page): Promise<string[]> {
  return inPage(
    page,
    `
    const light = (color) => {
      const [r, g, b] = color.match(/[\\d.]+/g).map(Number).map((part) => part / 255).map((part) =>
        part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const contrast = (one, other) => {
      const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
      return (high + 0.05) / (low + 0.05);
    };
    const behind = (element) => ground(element.parentElement);
    const sides = ['Top', 'Right', 'Bottom', 'Left'];
    const look = (element) => {
      const style = styleOf(element);
      const borders = sides.map((side) =>
        style['border' + side + 'Width'] === '0px' || contrast(style['border' + side + 'Color'], behind(element)) < 1.5
          ? 'none' : style['border' + side + 'Width'] + style['border' + side + 'Color']);
      const outline = style.outlineStyle === 'none' ? 'none' : style.outlineWidth + style.outlineColor;
      return [...borders, outline, ground(element), style.textDecorationLine].join(' ');
    };
    const selected = '[aria-current]:not([aria-current=false]), [aria-selected=true], [aria-pressed=true]';
    const likes = (element) => {
      const family = ancestors(element.parentElement).slice(0, 3)
        .map((each) => [...each.querySelectorAll(element.tagName)].filter((one) => one !== element && isShown(one) &&
          !one.matches(selected) && !element.contains(one) && one.getAttribute('role') === element.getAttribute('role')));
      return family.find((each) => each.length > 0) ?? [];
    };
    return [
      ...window.marks.filter((mark) => mark.isConnected && isShown(mark) && contrast(styleOf(mark).backgroundColor, behind(mark)) < 3)
        .map((mark) => 'mark: ' + nameOf(mark) + ' in ' + nameOf(mark.parentElement)),
      ...shown('input:not([type=checkbox], [type=radio], [type=hidden]), select, textarea')
        .filter((field) => styleOf(field).borderTopWidth === '0px' || contrast(styleOf(field).borderTopColor, behind(field)) < 3)
        .map((field) => 'border: ' + nameOf(field)),
      ...shown('svg').filter((icon) => styleOf(icon).stroke !== 'none' && contrast(styleOf(icon).color, ground(icon)) < 3)
        .map((icon) => 'icon: ' + nameOf(icon)),
      ...shown(selected).filter((element) => element.matches('a, button, li, [role]') && likes(element).some((like) => look(like) === look(element)))
        .map((element) => 'selected: ' + nameOf(element)),
    ];`,
  );
}

/** The animations that run. */
export function animations(page: Page): Promise<string[]> {
  return inPage(
    page,
    `return document.getAnimations().filter(({ playState }) => playState === 'running').map(({ animationName, effect }) => animationName + ' of ' + nameOf(effect.target));`,
  );
}

/** The headings of the first level, and what is missing of the landmarks. */
export function outline(page: Page): Promise<{ headings: number; landmarks: string[]; outside: string[] }> {
  return inPage(
    page,
    `
    return {
      headings: shown('h1').length,
      landmarks: shown('header, main').filter((each) => !each.parentElement.closest('main')).map((each) => each.tagName.toLowerCase()),
      outside: shown('h1, h2, h3, form, table, li').filter((each) => !each.closest('main, header, nav, [popover], output')).map(nameOf),
    };`,
  );
}

/** What has the focus, and whether that can be seen. */
export function focused(page: Page): Promise<{ name: string; marked: boolean }> {
  return inPage(
    page,
    `
    const element = document.activeElement;
    const { outlineStyle, outlineWidth, outlineColor } = styleOf(element);
    return { name: nameOf(element), marked: element === document.body || (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && outlineColor !== ground(element.parentElement)) };`,
  );
}
