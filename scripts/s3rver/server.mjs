// An object storage, and a place for calls to every other AWS service, for the tests. Nothing is let in whose signature
// AWS's own signer would not have made.
//
//   node server.mjs PORT FOLDER
//
// s3rver stores objects and speaks S3, but takes every AWS4 signature for good. So its port is nobody's: what arrives here
// is signed anew by @smithy/signature-v4, as AWS's libraries for JavaScript sign, with what the request says it was signed
// with; where that makes another signature, the answer is S3's 403, else the request goes on to s3rver. A request that is
// signed for another service than `s3` is answered with what was seen of it.
//
// PUT /-/keys makes a key known: {id, secret, token?}. POST /-/tls {key, cert} opens a port with TLS: {port}.

import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { buffer } from 'node:stream/consumers';

import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import S3rver from 's3rver';

const [port, directory] = [Number(process.argv[2]), process.argv[3]];
mkdirSync(directory, { recursive: true });
const storage = await new S3rver({ address: '127.0.0.1', port: 0, silent: true, directory }).run();
const keys = new Map();
const SKEW_MS = 15 * 60_000;

class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}

const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
const decode = (text) => decodeURIComponent(text.replaceAll('+', ' '));

// Values of one name, in their order, with a comma between.
function headersOf(request) {
  const headers = {};
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const name = request.rawHeaders[at].toLowerCase();
    const value = request.rawHeaders[at + 1];
    headers[name] = name in headers ? `${headers[name]},${value}` : value;
  }
  return headers;
}

function queryOf(search) {
  const query = {};
  for (const pair of search.split('&').filter(Boolean)) {
    const [name, ...value] = pair.split('=');
    (query[decode(name)] ??= []).push(decode(value.join('=')));
  }
  return query;
}

const FORM = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

// Who signed, for which service: or why not.
async function verified(request, body) {
  const headers = headersOf(request);
  const parts = FORM.exec(headers.authorization ?? '');
  if (!parts) throw new Refused(403, 'AccessDenied', 'not signed');
  const [, id, day, region, service, names, signature] = parts;
  const key = keys.get(id);
  if (!key) throw new Refused(403, 'InvalidAccessKeyId', 'no such key');
  const signed = names.split(';');
  const must = Object.keys(headers).filter((name) => name.startsWith('x-amz-') || name === 'host' || name === 'content-type');
  const unsigned = must.filter((name) => !signed.includes(name));
  if (unsigned.length) throw new Refused(403, 'AccessDenied', `headers present in the request which were not signed: ${unsigned}`);
  const date = headers['x-amz-date'] ?? '';
  const at = new Date(date.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
  if (!(Math.abs(Date.now() - at) < SKEW_MS) || !date.startsWith(day)) throw new Refused(403, 'RequestTimeTooSkewed', date);
  if ((headers['x-amz-security-token'] ?? '') !== (key.token ?? '')) throw new Refused(403, 'InvalidToken', 'the session token');

  const stated = headers['x-amz-content-sha256'];
  const hash = createHash('sha256').update(body).digest('hex');
  if (service === 's3' && !stated) throw new Refused(400, 'InvalidRequest', 'x-amz-content-sha256 is missing');
  if (stated && stated !== hash && stated !== 'UNSIGNED-PAYLOAD') throw new Refused(400, 'XAmzContentSHA256Mismatch', 'the body');
  if (stated === 'UNSIGNED-PAYLOAD' && !request.socket.encrypted) throw new Refused(400, 'InvalidRequest', 'unsigned without TLS');

  const [path, search] = [request.url.split('?')[0], request.url.split('?').slice(1).join('?')];
  const signer = new SignatureV4({
    credentials: { accessKeyId: id, secretAccessKey: key.secret },
    region,
    service,
    sha256: Sha256,
    uriEscapePath: service !== 's3',
    applyChecksum: false,
  });
  const again = await signer.sign(
    {
      method: request.method,
      protocol: 'http:',
      hostname: headers.host,
      // S3 decodes a path once and encodes it in its own way; the others take it as it came.
      path: service === 's3' ? decodeURIComponent(path).split('/').map(encode).join('/') : path,
      query: queryOf(search),
      headers: Object.fromEntries(signed.map((name) => [name, headers[name] ?? ''])),
      body: new Uint8Array(body),
    },
    { signingDate: at },
  );
  if (!again.headers.authorization.endsWith(`SignedHeaders=${names}, Signature=${signature}`)) {
    throw new Refused(403, 'SignatureDoesNotMatch', 'the signature we calculated does not match');
  }
  return { id, service, region, path, query: queryOf(search), hash, stated };
}

// On to s3rver, as its one account: that account's V4 signatures are not looked at.
function store(request, body, response) {
  const headers = { ...request.headers, host: `127.0.0.1:${storage.port}`, 'content-length': body.length };
  delete headers['transfer-encoding'];
  headers.authorization = headers.authorization.replace(/Credential=[^/]+/, 'Credential=S3RVER');
  const options = { port: storage.port, host: '127.0.0.1', method: request.method, path: request.url, headers };
  const onward = http.request(options, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  onward.end(body);
}

async function answer(request, response) {
  const body = await buffer(request);
  const json = (value) => response.end(JSON.stringify(value));
  if (request.url === '/-/keys') {
    const key = JSON.parse(body);
    keys.set(key.id, key);
    return json({});
  }
  if (request.url === '/-/tls') {
    const server = https.createServer(JSON.parse(body), serve).listen(0, '127.0.0.1', () => json({ port: server.address().port }));
    return server;
  }
  if (request.url === '/-/ready') return json({});
  try {
    const seen = await verified(request, body);
    if (seen.service === 's3') return store(request, body, response);
    return json({ ...seen, method: request.method });
  } catch (error) {
    response.writeHead(error.status ?? 500, { 'content-type': 'application/xml' });
    return response.end(`<?xml version="1.0"?>\n<Error><Code>${error.code ?? 'InternalError'}</Code><Message>${error.message}</Message></Error>`);
  }
}

function serve(request, response) {
  answer(request, response).catch((error) => response.destroy(error));
}

http.createServer(serve).listen(port, '127.0.0.1');
