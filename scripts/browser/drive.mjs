// Drives Debian's Chromium for the tests: reads steps on standard input, one JSON array a line (the name of a step and
// its arguments), and answers each with one line, {"ok": value} or {"error": text}. Ends, and the browser with it, when
// standard input ends.
//
//   node drive.mjs FOLDER       FOLDER holds node_modules with playwright-core and axe-core
//
// "Here" in a step is the page that was opened last, the window that it opened, or a frame in it.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const require = createRequire(`${process.argv[2]}/`);
const WITHIN_MS = 10_000;
// Nothing of a test leaves this machine: no other name is found.
const ARGUMENTS = ['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1'];
const STANDARD = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

let browser, page, here;
// What the browser has complained of, with the page that it happened on.
let complaints = [];

async function start() {
  let chromium;
  try {
    ({ chromium } = require('playwright-core'));
  } catch {
    throw new Error('playwright-core is not installed; hint: make test');
  }
  let executablePath;
  try {
    executablePath = execFileSync('/bin/sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim();
  } catch {
    throw new Error('chromium is not installed; hint: make test');
  }
  browser = await chromium.launch({ executablePath, args: ARGUMENTS });
}

function listen(to) {
  const note = (text) => complaints.push({ page: to.url(), text });
  to.setDefaultTimeout(WITHIN_MS);
  to.on('pageerror', (error) => note(String(error)));
  to.on('console', (message) => {
    // A page that comes with 422 is no failure; what it loads is looked at below.
    const isStatus = message.text().startsWith('Failed to load resource');
    if (['error', 'warning'].includes(message.type()) && !isStatus) note(message.text());
  });
  to.on('response', (response) => {
    const isPage = response.request().resourceType() === 'document';
    if (response.status() >= 400 && !isPage) note(`${response.status()} ${response.url()}`);
  });
}

const within = (frame) => frame.locator('body');
const field = (name) => here.getByLabel(name).or(here.getByPlaceholder(name)).first();
const button = (name) =>
  here.getByRole('button', { name }).or(here.getByRole('link', { name })).first();

const steps = {
  // A new profile, without cookies. Options are those of Playwright's newContext.
  async profile(options) {
    await page?.context().close();
    const usual = { viewport: { width: 800, height: 800 }, locale: 'en', ignoreHTTPSErrors: true };
    const context = await browser.newContext({ ...usual, ...options });
    context.on('page', listen);
    page = here = await context.newPage();
    complaints = [];
  },
  async open(url) {
    await page.goto(url);
    here = page;
  },
  async back() {
    await page.goBack();
  },
  // Waits for a text to be seen.
  async see(text) {
    await here.getByText(text).filter({ visible: true }).first().waitFor();
  },
  // Waits for an address that begins so; gives all of it.
  async reach(start) {
    await here.waitForURL((url) => url.href.startsWith(start));
    return here.url();
  },
  async click(name) {
    await button(name).click();
  },
  async fill(name, value) {
    await field(name).fill(value);
  },
  async select(name, value) {
    await field(name).selectOption(value);
  },
  async press(key) {
    await page.keyboard.press(key);
  },
  async type(text) {
    await page.keyboard.type(text);
  },
  // Clicks what opens a window, and goes on in that.
  async window(name) {
    const opened = page.waitForEvent('popup');
    await button(name).click();
    page = here = await opened;
  },
  // Waits for that window to close by itself, and goes on in the page that opened it.
  async opener() {
    const [first] = page.context().pages();
    if (page !== first && !page.isClosed()) await page.waitForEvent('close');
    page = here = first;
  },
  // Goes on in the first frame of the page.
  async frame() {
    here = await (await page.locator('iframe').elementHandle()).contentFrame();
  },
  async text() {
    return within(here).innerText();
  },
  async evaluate(expression) {
    return here.evaluate(expression);
  },
  // What breaks the Web Content Accessibility Guidelines 2.2, level A or AA.
  async axe() {
    await here.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
    const { violations } = await here.evaluate(
      (values) => globalThis.axe.run({ runOnly: { type: 'tag', values }, resultTypes: ['violations'] }),
      STANDARD,
    );
    return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(' ')}`);
  },
  async complaints() {
    return complaints;
  },
  async shot(path) {
    await page.screenshot({ path, fullPage: true });
  },
};

async function take(line) {
  const [name, ...rest] = JSON.parse(line);
  try {
    if (!browser) await start();
    return { ok: (await steps[name](...rest)) ?? null };
  } catch (error) {
    const seen = here && !page.isClosed() ? `\nat ${here.url()}:\n${await within(here).innerText({ timeout: 1000 }).catch(() => '')}` : '';
    return { error: `${name} ${JSON.stringify(rest)}: ${error.message}${seen}` };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await take(line))}\n`);
}
await browser?.close();
