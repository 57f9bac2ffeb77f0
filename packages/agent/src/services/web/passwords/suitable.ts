import { LONGEST_PASSWORD } from './password.ts';

const SHORTEST = 10;
const LEAST_DIFFERENT = 5;

/** What is tried first, of those that are long enough; compared without case. */
const COMMON = new Set(
  `0123456789 00000000001 01234567890 0987654321 1029384756 1111111111a 1122334455 1212121212 123123123123 1231231234
1234554321 1234567890 12345678900 12345678901 123456789012 1234567890a 1234567890q 1234567891 123456789a 123456789abc
123456789q 1234567899 1234567abc 123456abcd 1234abcd1234 123abc123abc 123qwe123qwe 12qwaszx12 147258369 1472583690
1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc 1qazxsw23edc 2580258025 3141592653 31415926535 9876543210 98765432100 abc1234567
abcd123456 abcd1234abcd abcde12345 abcdef1234 abcdef123456 abcdefg123 abcdefghij abcdefghijk administrator admin12345
admin123456 admin1234567 adminadmin adminadmin1 administrator1 administrator123 asdfasdf12 asdfasdfasdf asdfghjkl1 asdfghjkl123
asdfghjkl; asdf1234asdf baseball12 changeme12 changeme123 changeme1234 charlie123 chocolate1 computer12 computer123
default123 defaultpassword dragon1234 football12 football123 iloveyou12 iloveyou123 iloveyou1234 letmein123 letmein1234
liverpool1 manchester master1234 michael123 monkey1234 mypassword mypassword1 p@ssw0rd12 p@ssw0rd123 p@ssword123
pa55word123 passpass12 passw0rd12 passw0rd123 passw0rd1234 password01 password10 password11 password12 password123
password123! password1234 password12345 password2023 password2024 password2025 password2026 passwordpassword princess12 princess123
q1w2e3r4t5 q1w2e3r4t5y6 qazwsxedc1 qazwsxedcrfv qwer1234qwer qwerasdfzxcv qwerty1234 qwerty12345 qwerty123456 qwertyuiop
qwertyuiop1 qwertyuiop123 qwertz1234 qwertzuiop raspberry1 raspberrypi root123456 rootroot12 secret1234 spiderman1
starwars12 starwars123 sunshine12 sunshine123 superman12 superman123 test123456 testtest12 testtest123 thisismypassword
trustno1234 user123456 welcome123 welcome1234 whatever12 zaq12wsxcde zxcvbnm123 zxcvbnm1234`.split(/\s+/),
);

/**
 * What is wrong with a password that somebody wants to have, as the end of a sentence that begins with it; undefined for a
 * good one.
 *
 * @param known what everybody around the device knows: names, its claim ID
 */
export function faultOfPassword(password: string, known: readonly string[]): string | undefined {
  if ([...password].length < SHORTEST) return `must have ${SHORTEST} characters or more`;
  if (Buffer.byteLength(password) > LONGEST_PASSWORD) return `must have ${LONGEST_PASSWORD} bytes or less`;
  const plain = password.toLowerCase();
  if (COMMON.has(plain)) return 'is one of those that are tried first';
  if (new Set(plain).size < LEAST_DIFFERENT)
    return `must have ${LEAST_DIFFERENT} different characters or more`;
  if (known.some((each) => each.toLowerCase() === plain))
    return 'must not be a name of the device or the user';
  return undefined;
}
