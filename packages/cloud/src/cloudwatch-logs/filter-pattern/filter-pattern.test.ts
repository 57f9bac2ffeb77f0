import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wordsOf } from '../../platform/embedded/log-store/words.ts';
import { compilePattern } from './compile.ts';
import { Glob } from './glob.ts';
import { LinearRegex } from './regex.ts';
import { MOST_WORK, Work } from './work.ts';

const matches = (pattern: string, message: string) => compilePattern(pattern)?.match(message) ?? true;

const LINE = '[ERROR 419] MISSING "ARGUMENTS EXCEPTION"';
const ACCESS = '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534';
const JSON_LINE = JSON.stringify({
  eventType: 'UpdateTrail',
  sourceIPAddress: '111.111.111.111',
  requests: [
    { id: 'a', size: 10 },
    { id: 'b', size: 2000 },
  ],
  ok: true,
  nothing: null,
  'user name': 'Ann "A" Lee',
  latency: 12.5,
});

describe('a pattern of terms', () => {
  it.each([
    ['', LINE, true],
    ['ERROR', LINE, true],
    ['error', LINE, false],
    ['ERR', LINE, false],
    ['ERROR 419', LINE, true],
    ['ERROR ARGUMENTS', LINE, true],
    ['ERROR 420', LINE, false],
    ['"ERROR 419"', LINE, true],
    ['"419 ERROR"', LINE, false],
    ['"\\"ARGUMENTS"', LINE, true],
    ['"[ERROR"', LINE, true],
    ['?WARN ?ERROR', LINE, true],
    ['?WARN ?INFO', LINE, false],
    ['?WARN ERROR', LINE, true],
    ['ERROR -ARGUMENTS', LINE, false],
    ['ERROR -WARN', LINE, true],
    ['-WARN', LINE, true],
    ['-"ERROR 419"', LINE, false],
    ['a.b', 'x a.b y', true],
    ['grün', 'das grüne', false],
    ['grün', 'ist grün!', true],
  ])('%s on %s: %s', (pattern, message, expected) => {
    expect(matches(pattern, message)).toBe(expected);
  });
});

describe('a pattern of JSON values', () => {
  it.each([
    ['{ $.eventType = "UpdateTrail" }', true],
    ['{ $.eventType = UpdateTrail }', true],
    ['{ $.eventType = "Update*" }', true],
    ['{ $.eventType = "*Trail" }', true],
    ['{ $.eventType != "UpdateTrail" }', false],
    ['{ $.missing != "x" }', false],
    ['{ $.missing NOT EXISTS }', true],
    ['{ $.ok NOT EXISTS }', false],
    ['{ $.nothing EXISTS }', true],
    ['{ $.nothing IS NULL }', true],
    ['{ $.ok IS TRUE }', true],
    ['{ $.ok IS FALSE }', false],
    ['{ $.eventType = * }', true],
    ['{ $.sourceIPAddress = 111.111.* }', true],
    ['{ $.sourceIPAddress != 123.123.* }', true],
    ['{ $.latency = 12.5 }', true],
    ['{ $.latency = 1.25e1 }', true],
    ['{ $.latency > 12 && $.latency <= 12.5 }', true],
    ['{ $.eventType > 3 }', false],
    ['{ $.requests[1].size >= 2000 }', true],
    ['{ $.requests[0].size >= 2000 }', false],
    ['{ $.requests[*].size >= 2000 }', true],
    ['{ $.requests[2].size = * }', false],
    [`{ $['user name'] = "Ann \\"A\\" Lee" }`, true],
    ['{ $."user name" = "*Lee" }', true],
    ['{ $.eventType = %^Up[a-z]+T% }', true],
    ['{ $.eventType = %trail% }', false],
    ['{ ($.ok IS FALSE || $.latency > 1) && $.eventType = "U*" }', true],
    ['{ $.ok IS FALSE || $.latency > 1 && $.eventType = "X*" }', false],
    ['{ $.toString EXISTS }', false],
  ])('%s: %s', (pattern, expected) => {
    expect(matches(pattern, JSON_LINE)).toBe(expected);
  });

  it('passes over what is no JSON', () => {
    expect(matches('{ $.a NOT EXISTS }', 'plain text')).toBe(false);
    expect(matches('{ $.a NOT EXISTS }', '{broken')).toBe(false);
    expect(matches('{ $[0] = 1 }', '[1]')).toBe(true);
  });
});

describe('a pattern of fields', () => {
  it.each([
    ['[ip, id, user, timestamp, request, status_code, size]', true],
    ['[ip, id, user]', false],
    ['[..., status_code = 4*, size > 1000]', true],
    ['[ip = 127.0.*, ..., size]', true],
    ['[ip, ..., status_code = 4* || status_code = 5*, size]', true],
    ['[ip, ..., status_code = 404 && status_code != 5*, size]', true],
    ['[..., status_code != 404, size]', false],
    ['[..., request = "*index.html*", status_code, size]', true],
    ['[..., request = %GET \\/[a-z]+%, status_code, size]', true],
    ['[..., size < 1534]', false],
    ['[..., size = 1.534e3]', true],
    ['[..., size != 1534.0]', false],
  ])('%s: %s', (pattern, expected) => {
    expect(matches(pattern, ACCESS)).toBe(expected);
  });

  it('reads a long line of open brackets as fast as any other', () => {
    expect(matches('[a, ...]', '[ "'.repeat(50_000))).toBe(true);
  });
});

describe('a regular expression', () => {
  it.each([
    ['%ERROR|WARN%', 'a WARN b', true],
    ['%^ERROR%', 'no ERROR', false],
    ['%end$%', 'the end', true],
    ['%end$%', 'end of it', false],
    ['%colou?r%', 'color', true],
    ['%ab{2,3}c%', 'abbbc', true],
    ['%ab{2,3}c%', 'abbbbc', false],
    ['%^a{2,}$%', 'aaaa', true],
    ['%10\\.10\\.0\\.1%', '10.10.0.1', true],
    ['%10\\.10\\.0\\.1%', '10x10x0x1', false],
    ['%[^0-9]-\\d%', 'x-4', true],
    ['%\\x41\\s\\w%', 'A b', true],
    ['%a.c%', 'a\u20acc', true],
    ['%[a-]%', '-', true],
    ['%x*%', '', true],
  ])('%s on %s: %s', (pattern, message, expected) => {
    expect(matches(pattern, message)).toBe(expected);
  });

  it('takes what the language’s own takes', () => {
    const piece = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', 'a*', 'b+', 'a?', 'b{1,2}', '\\d', '1');
    const source = fc
      .tuple(fc.boolean(), fc.array(piece, { minLength: 1, maxLength: 5 }), fc.boolean())
      .map(([begin, pieces, end]) => `${begin ? '^' : ''}${pieces.join('')}${end ? '$' : ''}`);
    const sources = fc.array(source, { minLength: 1, maxLength: 3 }).map((all) => all.join('|'));
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '1', '€'), maxLength: 12 });
    fc.assert(
      fc.property(sources, text, (given, message) => {
        expect(new LinearRegex(given).matches(message, new Work())).toBe(new RegExp(given).test(message));
      }),
      { numRuns: 400 },
    );
  });

  it('takes what the language’s own takes when it has many steps', () => {
    // Rows of optional steps begin and end in any place of a word, and go on over its end.
    const piece = fc.oneof(
      fc.constantFrom('a', 'b', 'a?', '[ab]?', 'b*', 'a+'),
      fc.tuple(fc.nat(40), fc.nat(40)).map(([least, more]) => `[ab]{${least},${least + more + 1}}`),
    );
    const source = fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => `^${pieces.join('')}$`);
    const sources = fc.array(source, { minLength: 1, maxLength: 2 }).map((all) => all.join('|'));
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 140 });
    fc.assert(
      fc.property(sources, text, (given, message) => {
        let regex: LinearRegex;
        try {
          regex = new LinearRegex(given);
        } catch {
          return;
        }
        expect(regex.matches(message, new Work())).toBe(new RegExp(given).test(message));
      }),
      { numRuns: 400 },
    );
  });

  // Each would take minutes at the pace of one that makes a set of steps for every character.
  it.each([`${'a*'.repeat(100)}b`, 'a[ab]{100}[ab]{0,150}c'])('does not run away: %s', (expression) => {
    let seed = 1;
    const letters = Array.from({ length: 300_000 }, () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % 2 === 0 ? 'a' : 'b';
    });
    const message = expression.endsWith('b') ? 'a'.repeat(300_000) : letters.join('');
    expect(matches(`%${expression}%`, message)).toBe(false);
  });
});

describe('a pattern that asks much of a long text', () => {
  const many = (count: number, write: (index: number) => string, separator: string) =>
    Array.from({ length: count }, (_, index) => write(index)).join(separator);
  const ones = `[${'1,'.repeat(130_000)}1]`;
  const letters = 'a'.repeat(262_000);
  const spent = (pattern: string, message: string) => {
    const matcher = compilePattern(pattern);
    const isMatched = matcher?.match(message);
    return { isMatched, work: matcher?.spent?.() ?? 0 };
  };

  it.each([
    ['values', `{${many(100, (i) => `$[*]=${i + 2}`, '||')}}`, ones],
    ['values in values', `{${many(60, (i) => `$[*][*]=${i + 2}`, '||')}}`, `[${'[1,1],'.repeat(43_000)}1]`],
    ['names', `{${many(50, (i) => `$[*].a${i} EXISTS`, '||')}}`, `[${'{"b":1},'.repeat(32_000)}1]`],
    ['numbers as texts', `{${many(60, (i) => `$[*]="a*${i}*c"`, '||')}}`, ones],
    ['a long value', `{${many(60, (i) => `$.a="*a${i}*"`, '||')}}`, JSON.stringify({ a: letters })],
    ['expressions', '{$[*]=%[ab]{120}c% || $[*]=%[ab]{119}c%}', ones],
    ['phrases', many(120, (i) => `-"a.${i}"`, ' '), 'a.'.repeat(131_000)],
    ['a long field', `[${many(60, (i) => `w="*a${i}*"`, '||')}]`, letters],
    ['a field as a number', `[${many(60, (i) => `w=${i}`, '||')}]`, '1'.repeat(262_000)],
  ])('gives it up: %s', (_, pattern, message) => {
    const { isMatched, work } = spent(pattern, message);
    expect(isMatched).toBe(false);
    // What went beyond was one text more, not all of them.
    expect(work).toBeGreaterThan(MOST_WORK);
    expect(work).toBeLessThan(MOST_WORK * 1.1);
  });

  it('does not let one event count for the next', () => {
    const matcher = compilePattern(`{${many(100, (i) => `$[*]=${i + 2}`, '||')}}`);
    expect([ones, '[7]'].map((message) => matcher?.match(message))).toEqual([false, true]);
    expect(matcher?.spent?.()).toBeLessThan(1000);
  });

  it.each([
    ['values', Array(113).fill('$[*]=2').join('||'), '$[*]=2'],
    ['both', Array(45).fill('$[*]=2 && $[*]=2').join('||'), '$[*]=2'],
  ])('makes equal tests once: %s', (_, repeated, once) => {
    expect(spent(`{${repeated}}`, ones).work).toBe(spent(`{${once}}`, ones).work);
  });

  it('stops at the first value that is taken', () => {
    const { isMatched, work } = spent('{ $[*] = 1 }', ones);
    expect([isMatched, work < ones.length + 100]).toEqual([true, true]);
  });

  it.each([
    ['equal terms', '-a '.repeat(341), letters],
    ['terms that are cut everywhere', '-aa '.repeat(256), letters],
    ['a word that goes on', '-.a '.repeat(250), '.aa'.repeat(87_000)],
    ['many words', many(180, (i) => `-a${i}`, ' '), 'a '.repeat(131_000)],
    ['a term that fits everywhere but for its end', `-${'.'.repeat(1000)}a`, '.'.repeat(262_000)],
    ['as many fields as letters', '[..., last = a]', 'a '.repeat(131_000)],
    ['an expression of all steps', '%a[ab]{253}c%', letters],
  ])('answers as long as it can: %s', (_, pattern, message) => {
    const { isMatched, work } = spent(pattern, message);
    expect(isMatched).toBe(!pattern.startsWith('%'));
    expect(work).toBeLessThan(MOST_WORK);
  });

  it('finds its words in a long text as in a short one', () => {
    const text = `${'lamp '.repeat(2000)}the-end`;
    const words = many(20, (i) => `no${i}`, ' ?');
    expect(matches(`?${words} ?end`, text)).toBe(true);
    expect(matches(`?${words} ?en`, text)).toBe(false);
    expect(matches(`?${words} ?"the-end"`, text)).toBe(true);
  });
});

describe('a pattern that is wrong', () => {
  it.each([
    ['{ $.a = }', 'a value is missing at character 9'],
    ['{ $.a }', '=, !=, <, >, <=, >=, IS, EXISTS or NOT EXISTS is missing'],
    ['{ $.a = "x }', 'the quote " is not closed at character 9'],
    ['{ $.a = 1 ', '} is missing'],
    ['{ $.a > "x" }', '> takes a number'],
    ['{ ($.a = 1 }', ') is missing'],
    ['{ a = 1 }', '$ is missing'],
    ['{ $.a IS MAYBE }', 'IS takes TRUE, FALSE or NULL'],
    [`{ ${'('.repeat(40)}$.a = 1 }`, 'more than 32 parentheses'],
    ['[a, b', '] is missing'],
    ['[..., a, ...]', '... may stand in one place only'],
    ['[a = ]', 'a value is missing'],
    ['"open', 'is not closed'],
    ['ERROR -', 'a term is missing'],
    ['%a', 'the % that ends an expression is missing'],
    ['%(a)%', '( is not supported'],
    ['%a!%', '! is not supported'],
    ['%[z-a]%', 'a range goes from a lower to a higher character'],
    ['%[a%', '] is missing'],
    ['%a{5}{2}%', '{ is not supported'],
    ['%a{300}%', 'more than 256'],
    ['%é%', 'ASCII characters only'],
    ['%%', 'the expression is empty'],
    ['{ $.a = %a% || $.b = %b% || $.c = %c% }', 'more than 2 regular expressions'],
    ['x'.repeat(1025), 'more than 1024 characters'],
  ])('%s is told what', (pattern, problem) => {
    expect(() => compilePattern(pattern)).toThrow(problem);
    expect(() => compilePattern(pattern)).toThrow(
      expect.objectContaining({ code: 'InvalidParameterException' }),
    );
  });
});

describe('what a pattern says that events must have', () => {
  const word = fc.constantFrom('red', 'green', 'blue', 'a', '42', 'x-y', 'sky');
  const joined = (separator: string) =>
    fc.array(word, { minLength: 1, maxLength: 4 }).map((all) => all.join(separator));
  const patterns = fc.oneof(
    joined(' '),
    joined(' ?').map((text) => `?${text}`),
    joined(' ').map((text) => `"${text}"`),
    joined('*').map((text) => `{ $.k = "${text}" }`),
    fc.tuple(word, word).map(([a, b]) => `{ $.k = "*${a}*" || $.green = ${b} }`),
    fc.tuple(word, word).map(([a, b]) => `[f = ${a}, ..., g = *${b}*]`),
    joined(' ').map((text) => `%${text}%`),
  );
  const messages = fc.oneof(
    joined(' '),
    joined(''),
    joined(' ').map((text) => JSON.stringify({ k: text })),
    fc.tuple(word, word).map(([a, b]) => JSON.stringify({ [a]: b, k: b })),
  );

  it('is in every event that it matches', () => {
    fc.assert(
      fc.property(patterns, messages, (pattern, message) => {
        const matcher = compilePattern(pattern);
        if (!matcher?.match(message)) return;
        const words = new Set(wordsOf(message));
        for (const list of matcher.mustHave) expect(list.some((each) => words.has(each))).toBe(true);
        expect(message).toContain(matcher.literal ?? '');
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['ERROR lamp', [['ERROR'], ['lamp']]],
    ['?WARN ?ERROR', [['WARN', 'ERROR']]],
    ['"lamp is dark"', [['lamp'], ['is'], ['dark']]],
    ['{ $.level = "warn" }', [['level'], ['warn']]],
    ['{ $.a = "ab-cd-ef*" }', [['a'], ['ab'], ['cd']]],
    ['{ $.a = 5 }', [['a']]],
    ['{ $.a NOT EXISTS }', []],
    ['%one two three%', [['two']]],
    ['-x', []],
  ])('of %s: %j', (pattern, expected) => {
    expect(compilePattern(pattern)?.mustHave).toEqual(expected);
  });
});

describe('a text with *', () => {
  it('takes what an expression with .* takes', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 });
    const subject = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
    fc.assert(
      fc.property(text, subject, (glob, message) => {
        const expression = new RegExp(`^${glob.replaceAll('*', '.*')}$`);
        expect(new Glob(glob).matches(message, new Work())).toBe(expression.test(message));
      }),
      { numRuns: 500 },
    );
  });
});
