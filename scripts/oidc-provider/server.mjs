// A certified OAuth 2.0 server for the tests, with an API of its own that its access tokens open.
//
//   node server.mjs PORT
//
// Clients register themselves at /reg (RFC 7591); `access_ttl` is how long their access tokens live, in seconds.
// Refresh tokens rotate strictly: one that is used twice ends its grant. The log-in takes any name and password.
// Beside the OAuth endpoints: /mint?client_id=... (the refresh token of a consent that nobody had to click),
// /expire?client_id=... (ends the client's access tokens), /api/... (200 for a live access token, else 401) and /counts (what the token endpoint
// was asked, by client). POST /keypair?alg=... makes a pair of keys, POST /mtls {key, cert, ca} opens a port with TLS that wants a
// client certificate: {port}.
//
// A client with public keys is also a service account, as Google has them: /service-account/token takes its assertions
// (RFC 7523) without a client authentication. And an app, as GitHub has them: /app/installations/N/access_tokens takes
// what it signs as a Bearer token.

import { once } from 'node:events';
import https from 'node:https';
import { json, text } from 'node:stream/consumers';

import * as jose from 'jose';
import { Provider } from 'oidc-provider';

const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;

// Everything in memory, and nothing thrown away: the library's own memory forgets after a thousand entries.
const rows = new Map();
const byUid = new Map();
const byGrant = new Map();

class Memory {
  constructor(model) {
    this.model = model;
  }
  key(id) {
    return `${this.model}:${id}`;
  }
  async upsert(id, payload, expiresIn) {
    const ends = expiresIn ? Date.now() + expiresIn * 1000 : Infinity;
    rows.set(this.key(id), { payload, ends });
    if (payload.uid) byUid.set(payload.uid, id);
    if (payload.grantId) {
      const ids = byGrant.get(payload.grantId) ?? new Set();
      byGrant.set(payload.grantId, ids.add(this.key(id)));
    }
  }
  async find(id) {
    const row = rows.get(this.key(id));
    if (!row || row.ends < Date.now()) return undefined;
    return row.payload;
  }
  async findByUid(uid) {
    return this.find(byUid.get(uid));
  }
  async findByUserCode() {
    return undefined;
  }
  async consume(id) {
    rows.get(this.key(id)).payload.consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) {
    rows.delete(this.key(id));
  }
  async revokeByGrantId(grantId) {
    for (const key of byGrant.get(grantId) ?? []) rows.delete(key);
    byGrant.delete(grantId);
  }
}

const provider = new Provider(issuer, {
  adapter: Memory,
  clients: [],
  scopes: ['openid', 'offline_access', 'api:read', 'api:write'],
  cookies: { keys: ['of no worth: this server lives for one test run'] },
  extraClientMetadata: { properties: ['access_ttl'] },
  clientAuthMethods: [
    'client_secret_basic',
    'client_secret_post',
    'private_key_jwt',
    'none',
    'tls_client_auth',
  ],
  clientDefaults: { grant_types: ['authorization_code', 'refresh_token', 'client_credentials'] },
  features: {
    mTLS: {
      enabled: true,
      tlsClientAuth: true,
      getCertificate: (ctx) => ctx.socket.getPeerX509Certificate?.(),
      certificateAuthorized: (ctx) => ctx.socket.authorized,
      certificateSubjectMatches: (ctx, property, expected) =>
        property === 'tls_client_auth_san_dns' &&
        ctx.socket.getPeerX509Certificate().subjectAltName?.split(', ').includes(`DNS:${expected}`),
    },
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    registration: { enabled: true },
    revocation: { enabled: true },
  },
  issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
  pkce: { methods: ['S256'], required: () => true },
  rotateRefreshToken: true,
  ttl: {
    AccessToken: (ctx, token, client) => client.access_ttl ?? 3600,
    ClientCredentials: (ctx, token, client) => client.access_ttl ?? 3600,
    AuthorizationCode: 60,
    Grant: 86_400,
    Interaction: 3600,
    RefreshToken: 86_400,
    Session: 86_400,
  },
  findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
});

const counts = {};
const count = (ctx, what) => {
  const client = ctx.oidc?.client?.clientId ?? 'unknown';
  counts[client] ??= {};
  counts[client][what] = (counts[client][what] ?? 0) + 1;
};
provider.on('grant.success', (ctx) => count(ctx, ctx.oidc.params.grant_type));
provider.on('grant.error', (ctx, error) => count(ctx, `error:${error.error}`));
provider.on('grant.revoked', (ctx) => count(ctx, 'revoked'));

// What the code flow ends with, without a browser: a test that needs a thousand consents cannot click them all.
async function mint(clientId) {
  const client = await provider.Client.find(clientId);
  const accountId = 'jo@example.com';
  const scope = 'openid offline_access api:read';
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope(scope);
  const grantId = await grant.save();
  const authTime = Math.floor(Date.now() / 1000);
  const token = new provider.RefreshToken({ accountId, authTime, client, grantId, gty: 'authorization_code', scope });
  return { refresh_token: await token.save() };
}

function expire(clientId) {
  for (const [key, { payload }] of rows) {
    if (/^(AccessToken|ClientCredentials):/.test(key) && payload.clientId === clientId) rows.delete(key);
  }
}

async function keypair(algorithm) {
  const { privateKey, publicKey } = await jose.generateKeyPair(algorithm, { extractable: true });
  return { pem: await jose.exportPKCS8(privateKey), jwk: { ...(await jose.exportJWK(publicKey)), alg: algorithm } };
}

async function openMtls({ key, cert, ca }) {
  const options = { key, cert, ca, requestCert: true, rejectUnauthorized: false };
  const server = https.createServer(options, provider.callback()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: server.address().port };
}

// The client that signed this with one of its keys, for this audience, to be used within the hour.
async function signer(jwt, audience) {
  const client = await provider.Client.find(jose.decodeJwt(jwt).iss);
  const keys = jose.createLocalJWKSet(client.jwks);
  const { payload } = await jose.jwtVerify(jwt, keys, { issuer: client.clientId, audience, maxTokenAge: '1h' });
  if (!(payload.exp > payload.iat && payload.exp - payload.iat <= 3600)) throw new Error('lives for longer than an hour');
  return { client, payload };
}

async function tokenOf({ client, payload }) {
  const token = new provider.ClientCredentials({ client, scope: payload.scope ?? 'app' });
  const [value, lifetime] = [await token.save(), client.access_ttl ?? 3600];
  return { value, lifetime };
}

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

async function serviceAccount(ctx) {
  const form = new URLSearchParams(await text(ctx.req));
  try {
    if (form.get('grant_type') !== JWT_BEARER) throw new Error('grant_type');
    const { value, lifetime } = await tokenOf(await signer(form.get('assertion'), `${issuer}/service-account/token`));
    ctx.body = { access_token: value, expires_in: lifetime, token_type: 'Bearer' };
  } catch (error) {
    ctx.status = 400;
    ctx.body = { error: 'invalid_grant', error_description: `Invalid JWT Signature. ${error.message}` };
  }
}

async function installation(ctx, id) {
  try {
    const account = await signer(/^Bearer (.+)$/.exec(ctx.get('authorization'))?.[1] ?? '', undefined);
    const { value, lifetime } = await tokenOf({ ...account, payload: { scope: `installation:${id}` } });
    ctx.status = 201;
    ctx.body = { token: value, expires_at: new Date(Date.now() + lifetime * 1000).toISOString() };
  } catch (error) {
    ctx.status = 401;
    ctx.body = { message: 'A JSON web token could not be decoded', error: error.message };
  }
}

provider.use(async (ctx, next) => {
  if (ctx.path === '/keypair') {
    ctx.body = await keypair(ctx.query.alg);
    return;
  }
  if (ctx.path === '/mtls') {
    ctx.body = await openMtls(await json(ctx.req));
    return;
  }
  if (ctx.path === '/service-account/token') {
    await serviceAccount(ctx);
    return;
  }
  const app = /^\/app\/installations\/(\d+)\/access_tokens$/.exec(ctx.path);
  if (app) {
    await installation(ctx, app[1]);
    return;
  }
  if (ctx.path === '/expire') {
    expire(ctx.query.client_id);
    ctx.body = {};
    return;
  }
  if (ctx.path === '/counts') {
    ctx.body = counts;
    return;
  }
  if (ctx.path === '/mint') {
    ctx.body = await mint(ctx.query.client_id);
    return;
  }
  if (!ctx.path.startsWith('/api/')) {
    await next();
    return;
  }
  const presented = /^Bearer (.+)$/.exec(ctx.get('authorization'))?.[1] ?? '';
  const token =
    (await provider.AccessToken.find(presented)) ?? (await provider.ClientCredentials.find(presented));
  if (!token || token.isExpired) {
    ctx.status = 401;
    ctx.set('www-authenticate', 'Bearer error="invalid_token"');
    ctx.body = { error: 'invalid_token' };
    return;
  }
  ctx.body = { account: token.accountId ?? null, client: token.clientId, scope: token.scope ?? null };
});

provider.listen(port, '127.0.0.1');
