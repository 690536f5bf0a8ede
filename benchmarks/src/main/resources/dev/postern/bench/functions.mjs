// The functions that a run calls. /noop (and any other path) answers 200 at once; /hold after a second, /long after ten;
// /later answers 202 and reports at once. /control counts; its clock is the monotonic one, which Java's nanoTime reads too.
import { Agent, createServer, request } from 'node:http';

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const number = /"n"\s*:\s*(\d+)/;
let received = 0, first = 0, open = 0, most = 0, stamps = null;

const nanos = () => { const [s, n] = process.hrtime(); return s * 1e9 + n; };

function answer(req, res, body) {
  if (req.url === '/later') {
    const callback = req.headers['x-callback-url'];
    res.writeHead(202).end();
    const report = request(callback + '/complete',
      { method: 'POST', agent, headers: { 'Content-Type': 'application/json', 'Content-Length': 2 } },
      answered => answered.resume().on('end', () => { open--; }));
    report.on('error', error => { console.error('cannot report:', error.message); open--; });
    report.end('{}');
    return;
  }
  const end = () => { open--; res.writeHead(200, { 'Content-Length': 0 }).end(); };
  const takes = { '/hold': 1_000, '/long': 10_000 }[req.url];
  if (takes) setTimeout(end, takes); else end();
}

function control(url, res) {
  if (url.startsWith('/control/reset')) {
    received = 0; first = 0; most = open; stamps = url.endsWith('stamps=1') ? [] : null;
    res.end('');
  } else if (url === '/control/stamps') {
    res.end((stamps ?? []).join('\n'));
  } else {
    res.end(`${received} ${first} ${most}`);
  }
}

createServer((req, res) => {
  if (req.method !== 'POST') return control(req.url, res);
  if (received++ === 0) first = nanos();
  if (++open > most) most = open;
  if (stamps === null) {
    req.resume().on('end', () => answer(req, res, ''));
    return;
  }
  const at = nanos();
  let body = '';
  req.on('data', chunk => body += chunk).on('end', () => {
    const n = number.exec(body)?.[1];
    if (n !== undefined) stamps?.push(`${n} ${at}`);
    answer(req, res, body);
  });
}).listen(Number(process.env.PORT), '127.0.0.1', () => console.log('ready'));
