import { describe, expect, it } from 'vitest';
import { signedHeadersOf } from './sign.ts';

describe('a request that is signed', () => {
  // The example "get-vanilla-query-order-key-case" of AWS's published test suite for Signature Version 4.
  it('has the signature of the published example', () => {
    const headers = signedHeadersOf(
      {
        method: 'GET',
        url: new URL('https://example.amazonaws.com/?Param2=value2&Param1=value1'),
        headers: {},
        body: '',
        service: 'service',
        region: 'us-east-1',
        now: Date.UTC(2015, 7, 30, 12, 36, 0),
      },
      { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' },
    );
    expect(headers).toEqual({
      'x-amz-date': '20150830T123600Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    });
  });

  it('covers its body, its further headers and the session token', () => {
    const sign = (body: string) =>
      signedHeadersOf(
        {
          method: 'POST',
          url: new URL('https://cloud.example:8443/'),
          headers: { 'x-amz-target': 'Logs_20140328.PutLogEvents' },
          body,
          service: 'logs',
          region: 'local',
          now: 0,
        },
        { accessKeyId: 'ASIA', secretAccessKey: 'secret', sessionToken: 'token' },
      );
    const { authorization = '', ...others } = sign('{}');
    expect(others).toEqual({
      'x-amz-target': 'Logs_20140328.PutLogEvents',
      'x-amz-date': '19700101T000000Z',
      'x-amz-security-token': 'token',
    });
    expect(authorization).toContain('SignedHeaders=host;x-amz-date;x-amz-security-token;x-amz-target');
    expect(sign('{ }').authorization).not.toBe(authorization);
  });
});
