import { createHash, createPrivateKey } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { signImage } from '@ioto/protocol';
import { Program, TempDirectory } from '@ioto/testkit';
import jsqr from 'jsqr';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

/** The example of `npm run example`, as built, in Debian's Chromium. */
const CHROMIUM = '/usr/bin/chromium';
const PROGRAM = fileURLToPath(new URL('../examples/dist/http/main.js', import.meta.url));
const SITE = fileURLToPath(new URL('../examples/http/site', import.meta.url));
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const PASSWORD = 'a long way home';
/** Where screenshots go, for people to look at; nowhere, when unset. */
const { IOTO_SCREENSHOTS: SCREENSHOTS } = process.env;
/** Bytes, compressed. */
const LARGEST_SITE = 60 * 1024;

describe.skipIf(!existsSync(CHROMIUM))('the example of a device with pages of its own', () => {
  let directory: TempDirectory;
  let device: Program;
  let url: string;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  /** What pages asked other machines for, and what they complained of. */
  const faults: string[] = [];

  beforeAll(async () => {
    directory = await TempDirectory.create();
    device = Program.spawnScript(PROGRAM, ['--port', '0', '--state', directory.at('state')]);
    [, url = ''] = await device.waitFor(/is at (http:\S+)/);
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    context = await browser.newContext({ viewport: { width: 1100, height: 820 } });
    page = await newPage(context);
  });
  afterAll(async () => {
    await browser?.close();
    await device?.kill('SIGTERM');
    await directory?.[Symbol.asyncDispose]();
  });
  afterEach(() => {
    expect(faults.splice(0)).toEqual([]);
  });

  async function newPage(of: BrowserContext): Promise<Page> {
    const made = await of.newPage();
    made.on('request', (request) => {
      if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) faults.push(request.url());
    });
    made.on('pageerror', (error) => faults.push(String(error)));
    made.on('console', (message) => {
      // Refusals are of the tests' making.
      const isRefusal = /status of 4\d\d/.test(message.text());
      if (message.type() === 'error' && !isRefusal) faults.push(message.text());
    });
    return made;
  }

  async function screenshot(name: string): Promise<void> {
    if (SCREENSHOTS === undefined) return;
    await mkdir(SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
  }

  /** What the accessibility checker finds, of every weight. */
  async function barriers(): Promise<string[]> {
    await page.evaluate(await readFile(AXE, 'utf8'));
    const { violations } = await page.evaluate<{
      violations: { id: string; help: string; nodes: { html: string }[] }[];
    }>('axe.run()');
    return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes[0]?.html}`);
  }

  it('is small enough for any device', async () => {
    const entries = await readdir(SITE, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    const sizes = await Promise.all(
      files.map(async ({ parentPath, name }) => gzipSync(await readFile(join(parentPath, name))).length),
    );
    const size = sizes.reduce((sum, each) => sum + each, 0);
    expect(size).toBeGreaterThan(1000);
    expect(size).toBeLessThanOrEqual(LARGEST_SITE);
  });

  it('shows its claim ID, with a code that a telephone reads, to whoever stands before it', async () => {
    await page.goto(url);
    await page.waitForSelector('#claim:not([hidden])');
    const id = (await page.textContent('#id'))?.replace('-', '');
    expect(id).toMatch(/^[0-9A-Z]{10}$/);
    await page.waitForFunction('document.getElementById("code").naturalWidth > 0');
    const { width, height, data } = await page.evaluate<{
      width: number;
      height: number;
      data: number[];
    }>(`(() => {
      const image = document.getElementById('code');
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = 300;
      const brush = canvas.getContext('2d');
      brush.fillStyle = '#fff';
      brush.fillRect(0, 0, 300, 300);
      brush.drawImage(image, 20, 20, 260, 260);
      return { width: 300, height: 300, data: [...brush.getImageData(0, 0, 300, 300).data] };
    })()`);
    const decode = (jsqr as unknown as { default: typeof import('jsqr').default }).default;
    expect(decode(new Uint8ClampedArray(data), width, height)?.data).toBe(id);
    expect(await barriers()).toEqual([]);
    await screenshot('front');
  });

  it('lets nobody in before there is a password, and takes none that is weak', async () => {
    await page.goto(new URL('/app/', url).href);
    await page.waitForURL(/login\.html/);
    await page.waitForSelector('#why:not([hidden])');
    expect(await barriers()).toEqual([]);
    await screenshot('welcome');
    await page.fill('#username', 'ann');
    await page.fill('#password', 'password12');
    await page.fill('#again', 'password12');
    await page.click('#go');
    await expect.poll(() => page.textContent('#said')).not.toBe('');
    await page.fill('#password', PASSWORD);
    await page.fill('#again', `${PASSWORD}?`);
    await page.click('#go');
    await expect.poll(() => page.textContent('#said')).toBe('The two passwords differ.');
    await page.fill('#again', PASSWORD);
    await page.click('#go');
    await page.waitForURL(/\/app\//);
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax' });
  });

  it('shows its readings as they come', async () => {
    await page.waitForFunction('document.querySelectorAll("#chart path.line").length === 1');
    const line = () => page.getAttribute('#chart path.line', 'd');
    const before = await line();
    await expect.poll(line, { timeout: 5000 }).not.toBe(before);
    expect(await page.textContent('#temperature')).toMatch(/^\d+\.\d °C$/);
    await expect.poll(() => page.textContent('#live')).toBe('live');
    expect(await barriers()).toEqual([]);
    await page.waitForTimeout(3000);
    await screenshot('overview');
  });

  it('saves settings in its database, and shows them in other windows', async () => {
    const other = await newPage(context);
    await other.goto(new URL('/app/#overview', url).href);
    await page.click('nav >> text=Settings');
    expect(await barriers()).toEqual([]);
    await page.fill('#set-name', 'Kitchen');
    await page.fill('#set-target', '19.5');
    await page.selectOption('#set-unit', 'F');
    await screenshot('settings');
    await page.click('#settings button');
    await expect.poll(() => page.textContent('#settings [data-said]')).toBe('Saved.');
    // What the page does not let anybody type, the device does not take.
    const refused = await page.evaluate<string>(`(async () => {
      const { xsrf } = await (await fetch('/api/public/login')).json();
      const headers = { 'content-type': 'application/json', accept: 'application/json', 'x-xsrf-token': xsrf };
      const answer = await fetch('/api/db/Setting/thermostat', {
        method: 'PATCH', headers, body: JSON.stringify({ target: 99 }),
      });
      return answer.status + ' ' + (await answer.text());
    })()`);
    expect(refused).toMatch(/^400 .*TARGET_INVALID/);
    await expect.poll(() => other.textContent('#device')).toBe('Kitchen');
    await expect.poll(() => other.textContent('#temperature'), { timeout: 5000 }).toMatch(/°F$/);
    await other.close();
  });

  it('shows what happens in its log', async () => {
    await page.click('nav >> text=Log');
    await expect.poll(() => page.textContent('#lines')).toContain('the settings have changed');
    expect(await page.textContent('#lines')).toContain('ann has signed in');
    expect(await barriers()).toEqual([]);
    await screenshot('log');
  });

  it('takes firmware that its maker has signed, and nothing else', async () => {
    await page.click('nav >> text=Firmware');
    expect(await barriers()).toEqual([]);
    const image = Buffer.alloc(3_000_000, 'new software ');
    await writeFile(directory.at('image.bin'), image);
    const key = createPrivateKey(await readFile(directory.at('state', 'maker.key'), 'utf8'));
    const sha256 = createHash('sha256').update(image).digest('hex');
    const facts = { product: 'thermostat', version: '1.1.0', size: image.length, sha256 };
    const install = async (version: string) => {
      await page.setInputFiles('#image', directory.at('image.bin'));
      await page.fill('#version-new', version);
      await page.fill('#signature', signImage(facts, key));
      await page.click('#firmware button');
      await expect.poll(() => page.textContent('#firmware [data-said]'), { timeout: 10_000 }).not.toBe('');
      return page.textContent('#firmware [data-said]');
    };
    expect(await install('1.2.0')).toContain('no key of update.keys has signed this image as version 1.2.0');
    await screenshot('firmware');
    expect(await install('1.1.0')).toBe('Version 1.1.0 is being installed.');
    await page.click('nav >> text=Log');
    await expect
      .poll(() => page.textContent('#lines'), { timeout: 10_000 })
      .toContain('version 1.1.0 is installed');
  });

  it('lets a user look and an admin change, and who is removed is out at once', async () => {
    await page.click('nav >> text=Users');
    await page.fill('#user-name', 'ben');
    await page.fill('#user-password', 'another long way');
    await page.selectOption('#user-role', 'user');
    await page.click('#user-form button');
    await expect.poll(() => page.textContent('#user-rows')).toContain('ben');
    expect(await barriers()).toEqual([]);
    await screenshot('users');

    const ben = await newPage(await browser.newContext());
    await ben.goto(new URL('/login.html', url).href);
    await ben.fill('#username', 'ben');
    await ben.fill('#password', 'wrong password');
    await ben.click('#go');
    await expect.poll(() => ben.textContent('#said')).not.toBe('');
    await ben.fill('#password', 'another long way');
    await ben.click('#go');
    await ben.waitForURL(/\/app\//);
    await ben.waitForSelector('#chart path.line');
    await ben.click('nav >> text=Password');
    await ben.fill('#password-now', 'not this one');
    await ben.fill('#password-next', 'a third long way');
    await ben.click('#password button');
    await expect
      .poll(() => ben.textContent('#password [data-said]'))
      .toBe('The present password is another one.');
    await ben.fill('#password-now', 'another long way');
    await ben.click('#password button');
    await expect.poll(() => ben.textContent('#password [data-said]')).toBe('Changed.');
    await expect.poll(() => ben.textContent('#live')).toBe('live');
    expect(await ben.isVisible('nav >> text=Users')).toBe(false);
    // What a page hides, the device refuses.
    const refused = await ben.evaluate<number>(
      `fetch('/api/users', { headers: { accept: 'application/json' } }).then(({ status }) => status)`,
    );
    expect(refused).toBe(403);

    page.once('dialog', (dialog) => void dialog.accept());
    await page.click('[aria-label="Remove ben"]');
    await expect.poll(() => page.textContent('#user-rows')).not.toContain('ben');
    const gone = await ben.evaluate<number>(`fetch('/api/past').then(({ status }) => status)`);
    expect(gone).toBe(401);
    await ben.close();
  });

  it('forgets who signs out, and goes on without a network', async () => {
    await page.click('#out');
    await page.waitForURL(url);
    expect(await page.evaluate(`fetch('/api/past').then(({ status }) => status)`)).toBe(401);
  });
});
