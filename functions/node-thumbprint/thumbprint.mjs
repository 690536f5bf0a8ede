// A Postern function without a framework: the digest of a text, at once, or stretched over many rounds behind a 202.
//
//   {"text": "hello", "algorithm": "sha256"}                     -> 200 {"algorithm": "sha256", "bytes": 5, "hex": "2cf2…"}
//   {"text": "hello", "salt": "s", "rounds": 100000}             -> 202, later {"algorithm": …, "rounds": …, "hex": …}
//
// Environment: PORT (8080), POSTERN_HOST (all addresses), POSTERN_SIGNING_SECRET (none), POSTERN_BODY_LIMIT_BYTES (1 MiB).
import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const NAME = 'node-thumbprint';
const ALGORITHMS = ['sha256', 'sha384', 'sha512'];
const LIMIT = Number(process.env.POSTERN_BODY_LIMIT_BYTES || 1024 * 1024);
const TOLERANCE_SECONDS = 300;
const SECRETS = (process.env.POSTERN_SIGNING_SECRET || '').split(/[\s,]+/).filter(Boolean).map(readSecret);
const stretch = promisify(pbkdf2);
const underWay = new Set();
let draining = false;

// Buffer.from leaves out what is no Base64: a wrong secret would be a short one, or none, that anybody can sign with.
function readSecret(secret) {
  const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret)?.[1] ?? '';
  const key = Buffer.from(base64, 'base64');
  if (key.length < 24 || key.length > 64) refuse('POSTERN_SIGNING_SECRET must hold whsec_ and the Base64 of 24 to 64 random bytes');
  return key;
}

function refuse(mistake) {
  console.error(`${NAME} cannot start, its environment needs a change:\n  ${mistake}`);
  process.exit(2);
}

if (!(Number.isInteger(LIMIT) && LIMIT >= 1)) refuse('POSTERN_BODY_LIMIT_BYTES must be a whole number from 1');

/** One JSON object a line, with the keys of Postern's own logs. */
const log = (level, message, keys = {}) =>
  console.log(JSON.stringify({ timestamp: Date.now(), level, loggerName: NAME, ...keys, formattedMessage: message }));

/** What the caller did wrong; everything else that is thrown counts as ours and is tried again. */
class Refused extends Error {
  constructor(status, message, code) { super(code ? `${code}: ${message}` : message); this.status = status; this.code = code; }
}

/** Standard Webhooks: one signature that fits one secret is enough, so that secrets can be changed. */
function checkSignature(headers, body) {
  if (SECRETS.length === 0) return;
  const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signatures } = headers;
  if (!id || !time || !signatures) throw new Refused(401, 'the call is not signed');
  if (!(Math.abs(Date.now() / 1000 - Number(time)) <= TOLERANCE_SECONDS)) throw new Refused(401, 'the signature is too old');
  const fits = SECRETS.some(secret => {
    const expected = createHmac('sha256', secret).update(`${id}.${time}.`).update(body).digest();
    return signatures.split(' ').some(each => {
      const found = each.startsWith('v1,') ? Buffer.from(each.slice(3), 'base64') : Buffer.alloc(0);
      return found.length === expected.length && timingSafeEqual(found, expected);
    });
  });
  if (!fits) throw new Refused(401, 'no signature fits');
}

function readPayload(body) {
  let payload;
  try { payload = JSON.parse(body.length === 0 ? '{}' : body.toString()); } catch { throw new Refused(400, 'the body is not JSON'); }
  if (payload === null || typeof payload !== 'object' || Array.isArray(payload)) throw new Refused(400, 'the payload must be an object');
  const { text, algorithm = 'sha256', salt = '', rounds } = payload;
  if (typeof text !== 'string') throw new Refused(400, 'text: must be a string');
  if (typeof salt !== 'string') throw new Refused(400, 'salt: must be a string');
  if (!ALGORITHMS.includes(algorithm)) throw new Refused(422, `algorithm: must be one of ${ALGORITHMS.join(', ')}`, 'UNKNOWN_ALGORITHM');
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds >= 1 && rounds <= 10_000_000)) {
    throw new Refused(400, 'rounds: must be a whole number from 1 to 10000000');
  }
  return { text, algorithm, salt, rounds };
}

const digest = ({ text, algorithm }) =>
  ({ algorithm, bytes: Buffer.byteLength(text), hex: createHash(algorithm).update(text).digest('hex') });

const stretched = async ({ text, algorithm, salt, rounds }) =>
  ({ algorithm, rounds, hex: (await stretch(text, salt, rounds, 32, algorithm)).toString('hex') });

/** Says an outcome until somebody has answered, for ten minutes at most. Its URL is a secret and is not logged. */
async function report(job, action, body) {
  const end = Date.now() + 600_000;
  for (let longest = 200; ; longest = Math.min(longest * 2, 30_000)) {
    let wait = Math.random() * longest;
    try {
      const answer = await fetch(`${job.callback}/${action}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Job-Id': job.id ?? '' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(30_000),
        redirect: 'manual',
      });
      await answer.arrayBuffer();
      if (answer.status !== 429 && answer.status < 500) {
        return log(answer.ok ? 'INFO' : 'WARN', answer.ok ? 'outcome reported' : 'outcome refused', { ...job.keys, status: answer.status });
      }
      wait = Math.max(wait, 1000 * (Number(answer.headers.get('retry-after')) || 0));
    } catch (failure) {
      log('WARN', 'outcome not heard', { ...job.keys, why: failure.name });
    }
    if (Date.now() + wait > end) return log('ERROR', 'outcome given up', job.keys);
    await pause(wait);
  }
}

/** The lease behind a 202 lasts as long as somebody says so; a refusal means that nobody wants the work any more. */
function keepAlive(job, seconds) {
  const timer = setInterval(async () => {
    const answer = await fetch(`${job.callback}/heartbeat`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}', signal: AbortSignal.timeout(30_000) })
      .catch(() => undefined);
    await answer?.arrayBuffer().catch(() => undefined);
    if (answer && [404, 409, 410].includes(answer.status)) clearInterval(timer);
  }, Math.min(seconds * 1000 / 3, 10_000));
  return timer;
}

async function later(job, payload, leaseSeconds) {
  const heartbeat = keepAlive(job, leaseSeconds);
  try {
    let result;
    try {
      result = await stretched(payload);
    } catch (failure) {
      return await report(job, 'fail', { error: `${failure.name}: ${failure.message}` });
    }
    await report(job, 'complete', result);
  } finally {
    clearInterval(heartbeat);
  }
}

/** Reads a body up to the limit; up to eight times that, it is read and thrown away, so that the caller hears why. */
function readBody(request) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    let length = 0;
    request.on('data', chunk => {
      length += chunk.length;
      if (length <= LIMIT) chunks.push(chunk);
      else if (length > 8 * LIMIT) reject(new Refused(413, `a payload may have ${LIMIT} bytes`));
    });
    request.on('end', () => length > LIMIT ? reject(new Refused(413, `a payload may have ${LIMIT} bytes`)) : resolve(Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('close', () => reject(new Error('the caller hung up')));
  });
}

function answer(request, response, status, body, headers = {}) {
  if (response.headersSent || response.destroyed) return;
  const json = JSON.stringify(body);
  const jobId = request.headers['x-job-id'];
  // The echo proves that this answer is the function's own and not a proxy's.
  response.writeHead(status, { 'Content-Type': status < 400 ? 'application/json' : 'application/problem+json', ...(jobId ? { 'X-Job-Id': jobId } : {}), ...headers });
  response.end(json);
}

async function handle(request, response) {
  if (request.url === '/healthz') return answer(request, response, draining ? 503 : 200, { status: draining ? 'draining' : 'up' });
  const started = performance.now();
  const { 'x-job-id': id, 'x-callback-url': callback, 'x-job-lease-seconds': lease } = request.headers;
  const job = { id, callback, keys: { job: id, task: request.headers['x-job-task'] ?? NAME, attempt: request.headers['x-job-attempt'], worker: request.headers['x-worker-id'], tenant: request.headers['x-database-id'] } };
  let status;
  try {
    if (request.method !== 'POST') throw new Refused(405, 'only POST calls the function');
    if (draining) return answer(request, response, status = 503, { detail: 'the function is stopping' }, { 'Retry-After': '1' });
    const body = await readBody(request);
    checkSignature(request.headers, body);
    const payload = readPayload(body);
    if (payload.rounds === undefined) {
      answer(request, response, status = 200, digest(payload));
    } else if (callback) {
      answer(request, response, status = 202, { accepted: true });
      await later(job, payload, Number(lease) || 30);
    } else {
      answer(request, response, status = 200, await stretched(payload));
    }
  } catch (failure) {
    status = failure instanceof Refused ? failure.status : 500;
    const never = status === 422 ? { 'X-Job-Retry': 'never' } : {};
    answer(request, response, status, { type: 'about:blank', title: status < 500 ? 'refused' : 'failed', status, detail: failure.message, ...(failure.code ? { code: failure.code } : {}) },
      status === 413 ? { Connection: 'close' } : status === 405 ? { Allow: 'POST' } : never);
    if (status === 413) response.on('finish', () => request.destroy());
  } finally {
    log(status < 500 ? 'INFO' : 'ERROR', 'call answered', { ...job.keys, status, ms: Math.round(performance.now() - started) });
  }
}

const server = createServer((request, response) => {
  const call = handle(request, response).finally(() => underWay.delete(call));
  underWay.add(call);
});
server.listen(Number(process.env.PORT || 8080), process.env.POSTERN_HOST || '0.0.0.0',
  () => log('INFO', 'listening', { function: NAME, port: server.address().port }));

// Takes nothing new, finishes what it has, leaves before Kubernetes kills it.
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, async () => {
    draining = true;
    log('INFO', 'draining');
    await Promise.race([Promise.allSettled([...underWay]), pause(25_000)]);
    server.close(() => process.exit(0));
    server.closeAllConnections();
  });
}
